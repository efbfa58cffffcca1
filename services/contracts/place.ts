/** Places: attribute names and values, as incidents name them. */

export type Attributes = Readonly<Record<string, string>>;

/** Whether all that a place says is true of what `attributes` says: of a cell in it, or of a place that is a part of it. */
export function holds(place: Attributes, attributes: Attributes | undefined): boolean {
  return Object.entries(place).every(([name, value]) => attributes?.[name] === value);
}

/** The places of an incident; everywhere is one, which says nothing and so holds everything. */
export function placesOf(dimensions: readonly Attributes[]): readonly Attributes[] {
  return dimensions.length === 0 ? [{}] : dimensions;
}
