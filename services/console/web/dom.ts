/** Builds elements. Text goes in as text nodes only: names come from telemetry and are trusted with nothing. */

export type Child = Node | string | null | undefined;
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

export function s(
  name: string,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
}

/** Sets text only when it differs, so that nothing is announced or moves without news. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function on<Event extends keyof HTMLElementEventMap>(
  element: HTMLElement,
  event: Event,
  listener: (event: HTMLElementEventMap[Event]) => void,
): void {
  element.addEventListener(event, listener);
}
