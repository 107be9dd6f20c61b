// What a row of the security suite comes to.

/** The result of trying one known attack. */
export type Outcome =
  | {
      readonly result: "holds";
      /** What was seen: how often it was tried, or how it was refused. */
      readonly seen: string;
    }
  | {
      readonly result: "broken";
      /** What the attacker got. */
      readonly what: string;
    }
  | { readonly result: "not applicable"; readonly why: string };

export const holds = (seen: string): Outcome => ({ result: "holds", seen });
export const broken = (what: string): Outcome => ({ result: "broken", what });
export const notApplicable = (why: string): Outcome => ({ result: "not applicable", why });

/** Broken by the first finding; otherwise it holds. */
export const unless = (findings: readonly string[], seen: string): Outcome =>
  findings[0] === undefined ? holds(seen) : broken(findings[0]);

/** One attack, after one or several advisories with the same mechanism. */
export type Row<World> = {
  /** Advisories, the one that the row is best known by first. */
  readonly ids: readonly string[];
  /** What went wrong there, in a few words. */
  readonly title: string;
  /** What is tried here. */
  readonly tried: string;
  readonly run: (world: World) => Outcome | Promise<Outcome>;
};
