/**
 * Rootless: the launcher has made an ordinary user root of a user namespace of their own, and says
 * so in the environment (native/rootless.c).
 */

export type RootlessUser = {
  /** Who the user is outside. */
  readonly uid: number;
  readonly gid: number;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Null: we are who we seem to be. */
export function rootlessUser(env: Environment): RootlessUser | null {
  const said = /^(\d+):(\d+)(?::\d+)?$/.exec(env["PIVOT_ROOTLESS"] ?? "");
  return said === null ? null : { uid: Number(said[1]), gid: Number(said[2]) };
}

/**
 * The descriptor whose lock keeps the namespace: whatever goes on without us is to have it; null: the
 * namespace is not one that has to be kept.
 */
export function namespaceUse(env: Environment): number | null {
  const said = /^\d+:\d+:(\d+)$/.exec(env["PIVOT_ROOTLESS"] ?? "")?.[1];
  return said === undefined ? null : Number(said);
}

/** Why there is no namespace: what was done, the errno that came of it, and further words. */
export type NoNamespace = {
  readonly stage: string;
  readonly errno: number;
  readonly text: string;
};

/** Null: nothing went wrong. */
export function noNamespace(env: Environment): NoNamespace | null {
  const said = /^!([a-z]+):(\d+):(.*)$/s.exec(env["PIVOT_ROOTLESS"] ?? "");
  if (said === null) return null;
  return { stage: said[1] ?? "", errno: Number(said[2]), text: (said[3] ?? "").trim() };
}
