const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `over` laid over `below`, field by field; lists and scalars are replaced whole. */
export function merge<T extends object>(below: T, over: object): T {
  const out = { ...below } as Record<string, unknown>;
  for (const [key, value] of Object.entries(over)) {
    const under = out[key];
    out[key] = isObject(value) && isObject(under) ? merge(under, value) : value;
  }
  return out as T;
}
