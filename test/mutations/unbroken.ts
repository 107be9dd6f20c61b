// What no mutation makes fail, each with the reason: nobody may be left out in silence (list.test.ts).

/** Rows of the security suite that apply, by their first advisory. */
export const unbrokenRows: Readonly<Record<string, string>> = {
  "CVE-2024-1753":
    "buildah's, of which pivot only warns: whether it can be broken depends on the machine's version",
};

const ofOthers =
  "it leaves nothing of its own: what it has begun is the container's, and goes with that";

/** Tests of faults, by file and name. */
export const unbrokenFaults: Readonly<Record<string, string>> = {
  "kills: stop": ofOthers,
  "kills: exec": ofOthers,
  "kills: network connect": ofOthers,
  "kills: cp into": ofOthers,
  "kills: cp out of": ofOthers,
};

/** Checks of the load test. */
export const unbrokenLoad: Readonly<Record<string, string>> = {
  "what each of them takes": "it is told, and not judged",
};
