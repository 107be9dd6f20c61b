/**
 * Which images a Dockerfile names: so that those of the store can be given to the builder, which
 * looks for none there by itself. Everything else of it is the builder's to read.
 *
 * @see https://docs.docker.com/reference/dockerfile/
 */

/** Lines joined at their continuations, without comments and the bodies of here-documents. */
export function instructionsOf(text: string): readonly string[] {
  const escape = /^#\s*escape\s*=\s*`/im.test(text.slice(0, 500)) ? "`" : "\\";
  const instructions: string[] = [];
  let joined = "";
  let ends: string[] = [];
  for (const raw of text.replace(/^\ufeff/, "").split(/\r?\n/)) {
    if (ends.length > 0) {
      if (raw.trim() === ends[0]) ends.shift();
      continue;
    }
    const line = raw.trimEnd();
    if (/^\s*#/.test(line) || (joined !== "" && line.trim() === "")) continue;
    if (line.endsWith(escape)) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = (joined + line).trim();
    joined = "";
    if (whole === "") continue;
    instructions.push(whole);
    if (/^(RUN|COPY|ADD)\b/i.test(whole)) {
      ends = [...whole.matchAll(/<<-?(["']?)(\w+)\1/g)].map((match) => match[2] ?? "");
    }
  }
  if (joined !== "") instructions.push(joined.trim());
  return instructions;
}

/** `$NAME`, `${NAME}`, `${NAME:-other}` and `${NAME:+other}`. */
function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)(?::?([-+])([^}]*))?\})/g,
    (_, plain: string | undefined, braced: string | undefined, kind: string, other: string) => {
      const value = values.get(plain ?? braced ?? "") ?? "";
      if (kind === "-") return value === "" ? other : value;
      if (kind === "+") return value === "" ? "" : other;
      return value;
    },
  );
}

export const unquote = (word: string): string => word.replace(/^(["'])(.*)\1$/, "$2");

/**
 * @param buildArguments `--build-arg`: they take the place of what `ARG` says before the first FROM
 * @returns names as they stand there, each once; stages and `scratch` are none
 */
export function namedImages(
  text: string,
  buildArguments: ReadonlyMap<string, string> = new Map(),
): readonly string[] {
  const values = new Map<string, string>();
  const stages = new Set<string>(["scratch"]);
  const found = new Set<string>();
  let isBefore = true;
  const put = (word: string): void => {
    const name = expand(unquote(word), values);
    if (name === "" || /^\d+$/.test(name) || stages.has(name.toLowerCase())) return;
    found.add(name);
  };
  for (const instruction of instructionsOf(text)) {
    const [keyword = "", ...words] = instruction.split(/\s+/);
    switch (keyword.toUpperCase()) {
      case "ARG":
        if (!isBefore) break;
        for (const word of words) {
          const [name = "", ...rest] = word.split("=");
          const given = buildArguments.get(name);
          values.set(name, given ?? expand(unquote(rest.join("=")), values));
        }
        break;
      case "FROM": {
        isBefore = false;
        const [image = "", as, stage] = words.filter((word) => !word.startsWith("--"));
        put(image);
        if (as?.toUpperCase() === "AS" && stage !== undefined) stages.add(stage.toLowerCase());
        break;
      }
      case "COPY":
      case "ADD":
      case "RUN":
        for (const word of words) {
          if (!word.startsWith("--")) break;
          const from = /^--from=(.+)$/.exec(word) ?? /^--mount=(?:.*,)?from=([^,]+)/.exec(word);
          if (from?.[1] !== undefined) put(from[1]);
        }
        break;
    }
  }
  return [...found];
}
