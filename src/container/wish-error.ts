/** What is wrong with a wish for a container: all of it, a line each. */
export class WishError extends Error {
  override name = "WishError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
    this.problems = problems;
  }
}

/** Options that are wrong whatever the machine and the store have. */
export class OptionError extends WishError {
  override name = "OptionError";
}
