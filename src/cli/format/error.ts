/** The error of a `--format` that cannot be read or carried out. */

/** In docker's words: `template parsing error: template: :1: function "x" not defined`. */
export class TemplateError extends Error {
  override name = "TemplateError";

  /** @param problem what text/template of Go would say, from `template: ` on. */
  constructor(problem: string) {
    super(`template parsing error: ${problem}`);
  }
}
