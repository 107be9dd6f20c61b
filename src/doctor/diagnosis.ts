/** What is found of a machine: each with what of pivot depends on it, and the one command that cures it. */

export const diagnosisLevels = ["fatal", "lack", "note", "ok"] as const;

/**
 * - `fatal`: without it there are no containers
 * - `lack`: a part of pivot does not work here
 * - `note`: all works, and this is worth knowing
 * - `ok`
 */
export type DiagnosisLevel = (typeof diagnosisLevels)[number];

export type Diagnosis = {
  readonly level: DiagnosisLevel;
  readonly about: string;
  readonly says: string;
  /** A command, or what to do where none helps. */
  readonly cure: string;
  /** What of pivot depends on it. */
  readonly needs: string;
};

export const diagnosis = (
  level: DiagnosisLevel,
  about: string,
  says: string,
  needs: string,
  cure = "",
): Diagnosis => ({ level, about, says, cure, needs });
