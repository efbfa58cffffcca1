/** Adds a header to a record's, whatever it is called: assigned plainly, `__proto__` would be lost. */
export function putHeader(headers: Record<string, string>, name: string, text: string): void {
  if (name !== "__proto__") headers[name] = text;
  else
    Object.defineProperty(headers, name, {
      value: text,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}
