/** How Go prints values: fmt's `%v` and the verbs of `printf`. */

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Map);

/** The entries of an object or a Map, in the order of their keys, as Go walks maps. */
export function sortedEntries(value: unknown): readonly (readonly [string, unknown])[] {
  const entries: (readonly [string, unknown])[] =
    value instanceof Map
      ? [...value].map(([key, each]) => [String(key), each] as const)
      : isRecord(value)
        ? Object.entries(value)
        : [];
  return entries
    .filter(([, each]) => typeof each !== "function")
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** `%v`: `[a b]` of arrays, `map[a:1 b:2]` of objects. */
export function printValue(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(printValue).join(" ")}]`;
  if (typeof value === "object") {
    return `map[${sortedEntries(value)
      .map(([key, each]) => `${key}:${printValue(each)}`)
      .join(" ")}]`;
  }
  return String(value);
}

/** As Go's `%g`, of a number with so many digits, or as many as it needs. */
export function printGeneral(value: number, digits?: number): string {
  if (value === 0) return "0";
  const [mantissa = "", exponentText = "0"] = value
    .toExponential(digits === undefined ? undefined : Math.max(0, digits - 1))
    .split("e");
  const exponent = Number(exponentText);
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  if (exponent < -4 || exponent >= (digits ?? 21)) {
    const sign = exponent < 0 ? "-" : "+";
    return `${short}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const decimals = Math.max(0, (short.split(".")[1]?.length ?? 0) - exponent);
  return value.toFixed(Math.min(100, decimals));
}

/** What Go would call its type. */
export const typeName = (value: unknown): string => {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (value === null || value === undefined) return "<nil>";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
};

function verb(letter: string, value: unknown, precision: number | undefined): string {
  const wrong = () => `%!${letter}(${typeName(value)}=${printValue(value)})`;
  const isInteger = typeof value === "number" && Number.isInteger(value);
  switch (letter) {
    case "v":
      return printValue(value);
    case "T":
      return typeName(value);
    case "s": {
      const text =
        typeof value === "number" || typeof value === "boolean" ? wrong() : printValue(value);
      return precision === undefined ? text : [...text].slice(0, precision).join("");
    }
    case "q":
      return typeof value === "string" ? JSON.stringify(value) : wrong();
    case "t":
      return typeof value === "boolean" ? String(value) : wrong();
    case "d":
      return isInteger ? String(value) : wrong();
    case "b":
      return isInteger ? value.toString(2) : wrong();
    case "o":
      return isInteger ? value.toString(8) : wrong();
    case "c":
      return isInteger ? String.fromCodePoint(value) : wrong();
    case "x":
    case "X": {
      const text = isInteger
        ? value.toString(16)
        : typeof value === "string"
          ? Buffer.from(value).toString("hex")
          : wrong();
      return letter === "X" && (isInteger || typeof value === "string") ? text.toUpperCase() : text;
    }
    case "f":
    case "F":
      return typeof value === "number" ? value.toFixed(precision ?? 6) : wrong();
    case "e":
      return typeof value === "number"
        ? value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2")
        : wrong();
    case "g":
      return typeof value === "number" ? printGeneral(value, precision) : wrong();
    default:
      return wrong();
  }
}

/** fmt.Sprintf, for what its verbs mean in a template. */
export function sprintf(format: string, values: readonly unknown[]): string {
  let used = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+|\*)?(?:\.(\d*))?([a-zA-Z%]|$)/g,
    (_, flags: string, width: string | undefined, digits: string | undefined, letter: string) => {
      if (letter === "%") return "%";
      if (letter === "") return "%!(NOVERB)";
      const wide = width === "*" ? Number(values[used++]) : Number(width ?? 0);
      if (used >= values.length) return `%!${letter}(MISSING)`;
      const value = values[used++];
      let shown = verb(letter, value, digits === undefined ? undefined : Number(digits));
      const isNumber = typeof value === "number" && letter !== "s" && letter !== "v";
      if (flags.includes("+") && isNumber && value >= 0) shown = `+${shown}`;
      const missing = wide - [...shown].length;
      if (missing <= 0) return shown;
      if (flags.includes("-")) return shown + " ".repeat(missing);
      if (!flags.includes("0") || !isNumber) return " ".repeat(missing) + shown;
      const sign = /^[+-]/.exec(shown)?.[0] ?? "";
      return sign + "0".repeat(missing) + shown.slice(sign.length);
    },
  );
  if (used >= values.length) return text;
  const extra = values.slice(used).map((each) => `${typeName(each)}=${printValue(each)}`);
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

/** fmt.Sprint: a blank between two operands when neither is a string. */
export function sprint(values: readonly unknown[]): string {
  return values
    .map((value, i) => {
      const gap = i > 0 && typeof value !== "string" && typeof values[i - 1] !== "string";
      return `${gap ? " " : ""}${printValue(value)}`;
    })
    .join("");
}
