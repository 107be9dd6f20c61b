/**
 * Texts that images, containers and registries bring along, for a terminal: some characters could
 * steer it, or turn a text around.
 */

/**
 * The text without such characters; line ends and tabs stay.
 */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (each) => {
    if (each === "\n" || each === "\t") return each;
    const code = each.codePointAt(0) ?? 0;
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, "0")}`;
  });
