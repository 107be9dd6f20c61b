/** In what kernels differ, as far as the simulator knows of it. */

export type Profile = {
  readonly name: string;
  /** The copy of an unbindable mount that a new mount namespace gets is unbindable too. */
  readonly unbindableSurvivesClone: boolean;
  /** The root of the first namespace is an empty, immutable file system below rootfs (Linux 7.0). */
  readonly nullfs: boolean;
  /** Changing propagation needs rights over the namespace of that mount (CVE-2025-38498). */
  readonly propagationNeedsOwner: boolean;
};

export const profiles = {
  "6.12": {
    name: "6.12",
    unbindableSurvivesClone: true,
    nullfs: false,
    propagationNeedsOwner: false,
  },
  "6.18": {
    name: "6.18",
    unbindableSurvivesClone: false,
    nullfs: false,
    propagationNeedsOwner: true,
  },
  "7.0": {
    name: "7.0",
    unbindableSurvivesClone: false,
    nullfs: true,
    propagationNeedsOwner: true,
  },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof profiles;
