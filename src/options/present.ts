// Objects without the fields that have no value.

/** The fields that have a value: a configuration has no field that is undefined. */
export function present<T extends object>(
  fields: {
    readonly [Name in keyof T]?: T[Name] | undefined;
  },
): Partial<T> {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Partial<T>;
}

/** As `present`; undefined if no field is left. */
export function presentOrNone<T extends object>(
  fields: {
    readonly [Name in keyof T]?: T[Name] | undefined;
  },
): Partial<T> | undefined {
  const kept = present<T>(fields);
  return Object.keys(kept).length === 0 ? undefined : kept;
}
