/** Carrying out lines of util-linux's in the simulator, by processes that have names. */

import {
  apply,
  type Failure,
  initialState,
  type Operation,
  type ProcessId,
  type State,
} from "../../../src/simulator/mod.ts";

export type Session = {
  readonly state: State;
  readonly names: ReadonlyMap<ProcessId, string>;
};

export const newSession = (): Session => ({
  state: initialState({ root: { type: "ext4", source: "/dev/sda1" } }),
  names: new Map([[1, "host"]]),
});

type Played = { readonly session: Session; readonly failure: Failure | null };

// STAND-IN until src/simulator/script.ts is there
type Bare = Operation extends infer O ? (O extends Operation ? Omit<O, "by"> : never) : never;
function parse(line: string): Bare[] {
  const words = line.trim().split(/\s+/);
  const [cmd = "", ...rest] = words;
  const opt = (name: string): string | null => {
    const i = rest.indexOf(name);
    if (i < 0) return null;
    const v = rest[i + 1] ?? "";
    rest.splice(i, 2);
    return v;
  };
  switch (cmd) {
    case "mount": {
      const o = (opt("-o") ?? "").split(",").filter((x) => x !== "");
      const attrs = o.filter((x) => ["ro", "nosuid", "nodev", "noexec"].includes(x)) as never[];
      const type = opt("-t");
      if (o.includes("remount"))
        return [
          { op: "remount", target: rest[0] ?? "", attributes: attrs, bind: o.includes("bind") },
        ];
      if (rest[0] === "--bind" || rest[0] === "--rbind")
        return [
          {
            op: "bind",
            source: rest[1] ?? "",
            target: rest[2] ?? "",
            recursive: rest[0] === "--rbind",
          },
        ];
      const make = /^--make-(r?)(shared|slave|private|unbindable)$/.exec(rest[0] ?? "");
      if (make)
        return [
          {
            op: "propagation",
            target: rest[1] ?? "",
            type: make[2] as never,
            recursive: make[1] === "r",
          },
        ];
      return [
        {
          op: "mount",
          type: type ?? "",
          source: rest[0] ?? "",
          target: rest[1] ?? "",
          attributes: attrs,
          options: [],
        },
      ];
    }
    case "umount":
      return [
        { op: "umount", target: rest.at(-1) ?? "", flags: rest[0] === "-l" ? ["detach"] : [] },
      ];
    case "mkdir":
      return rest
        .filter((x) => x !== "-p")
        .map((path) => ({ op: "mkdir", path, parents: rest.includes("-p") }) as const);
    case "touch":
      return rest.map((path) => ({ op: "touch", path }) as const);
    case "rmdir":
      return [{ op: "rmdir", path: rest[0] ?? "" }];
    case "cd":
      return [{ op: "chdir", path: rest[0] ?? "" }];
    case "chroot":
      return [{ op: "chroot", path: rest[0] ?? "" }];
    case "pivot_root":
      return [{ op: "pivot_root", newRoot: rest[0] ?? "", putOld: rest[1] ?? "" }];
    case "unshare": {
      const p = opt("--propagation") ?? "private";
      const un = { op: "unshare", namespaces: ["mount"] } as const;
      return p === "unchanged"
        ? [un]
        : [un, { op: "propagation", target: "/", type: p as never, recursive: true }];
    }
  }
  throw new Error(`cannot parse ${line}`);
}

export function play(session: Session, text: string): Played {
  const [, name = "", line = ""] = /^(\w+): (.*)$/.exec(text) ?? [];
  let { state } = session;
  let names = session.names;
  let by = [...names].find(([, n]) => n === name)?.[0];
  if (by === undefined) {
    by = names.size + 1;
    const forked = apply(state, { op: "fork", child: by, by: 1 });
    if (!forked.ok) throw new Error(forked.rule);
    state = forked.state;
    names = new Map([...names, [by, name]]);
  }
  for (const op of parse(line)) {
    const outcome = apply(state, { ...op, by } as Operation);
    if (!outcome.ok) return { session: { state, names }, failure: outcome };
    state = outcome.state;
  }
  return { session: { state, names }, failure: null };
}
