/** What a table has for a text that came from outside. Names that every object has, such as `constructor`, are in no table. */
export const lookUp = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
