// The working directory of a process that is not root, or of a root without rights over other people's
// files: it may be one that only whoever makes the container can enter, or one that only the user can.

import { describe, expect } from "bun:test";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { OciGround } from "./ground.ts";
import { demand, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("working directory"), () => {
  const ground = new OciGround("working-directory");
  const owners = { "root's": 0, "the user's": 1000, "another's": 2000 } as const;

  const make = (): void => {
    for (const uid of Object.values(owners)) {
      const path = `${ground.rootfs}/home/${uid}`;
      mkdirSync(`${path}/below`, { recursive: true });
      chownSync(path, uid, uid);
      chmodSync(path, 0o700);
    }
  };

  for (const [whose, owner] of Object.entries(owners)) {
    for (const uid of [0, 1000]) {
      for (const cwd of [`/home/${owner}`, `/home/${owner}/below`]) {
        demand(`${cwd}, in ${whose} with mode 0700, for ${uid}: run and exec`, () => {
          make();
          const seen = ground.run((config) => {
            config.process["user"] = { uid, gid: uid };
            config.process["cwd"] = cwd;
            config.process["args"] = ["/bin/sh", "-c", "echo $PWD"];
          });
          expect(seen).toMatchObject({ code: 0, stdout: `${cwd}\n`, stderr: "" });
          const { id } = ground.lasting();
          const words = ["exec", "--user", String(uid), "--cwd", cwd, id, "/bin/sh", "-c"];
          expect(ground.ok([...words, "echo $PWD"]).stdout).toBe(`${cwd}\n`);
        });
      }
    }
  }
});
