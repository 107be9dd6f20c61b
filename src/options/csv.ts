// A line of comma-separated values (RFC 4180), as `--mount` takes it.

export type Fields =
  | { readonly ok: true; readonly fields: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/**
 * Splits a line into its fields. A field that has a comma or a quote in it is put into double quotes,
 * and the quotes in it are doubled: `type=bind,"source=/a,b",target=/c`.
 */
export function readFields(line: string): Fields {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] !== '"') {
      const comma = line.indexOf(",", at);
      const field = line.slice(at, comma < 0 ? line.length : comma);
      if (field.includes('"')) {
        return { ok: false, reason: `a quote goes around the whole field: ${field}` };
      }
      fields.push(field);
      if (comma < 0) return { ok: true, fields };
      at = comma + 1;
      continue;
    }
    const quoted = /"((?:[^"]|"")*)"(,|$)/y;
    quoted.lastIndex = at;
    const found = quoted.exec(line);
    if (found === null) {
      return {
        ok: false,
        reason: 'a quoted field ends with a quote, and the next one begins with ","',
      };
    }
    fields.push((found[1] ?? "").replaceAll('""', '"'));
    if (found[2] === "") return { ok: true, fields };
    at = quoted.lastIndex;
  }
}
