// Ids of containers and how bundles are found: what is refused, and that refusing leaves nothing.

import { describe, expect } from "bun:test";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { listIfThere } from "../leftovers.ts";
import { OciGround } from "./ground.ts";
import { demand, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("ids and bundles"), () => {
  const ground = new OciGround("ids");

  const bad: Readonly<Record<string, string>> = {
    "an empty id": "",
    "the id .": ".",
    "the id ..": "..",
    "an id with a slash": "a/b",
    "an id that climbs": "../escaped",
    "an absolute id": "/tmp/escaped",
    "an id with a space": "a b",
    "an id with a line end": "a\nb",
    "an id with a backslash": "a\\b",
    "an id that is not ASCII": "contäiner",
    "an id of 1025 characters": "x".repeat(1025),
  };
  for (const [name, id] of Object.entries(bad)) {
    demand(`${name} is refused in one line by create, and nothing is made`, async () => {
      const bundle = ground.bundle();
      const before = readdirSync(ground.directory).sort();
      ground.refused(["create", "--bundle", bundle, id]);
      expect(listIfThere(ground.root).filter((each) => !each.startsWith("."))).toEqual([]);
      expect(
        readdirSync(ground.directory)
          .filter((each) => each !== "state")
          .sort(),
      ).toEqual(before.filter((each) => each !== "state"));
      await ground.expectNothingLeft();
    });
  }

  demand(
    "a bad id is refused by every other command, and delete --force takes nothing away",
    () => {
      const above = ground.path("above");
      mkdirSync(`${above}/state`, { recursive: true });
      mkdirSync(`${above}/beside`);
      writeFileSync(`${above}/beside/file`, "");
      const global = ["--root", `${above}/state`];
      for (const id of ["", ".", "..", "a/b", "../beside"]) {
        for (const command of ["state", "start", "delete", "pause", "resume"]) {
          expect(ground.call([command, id], { global }).code).not.toBe(0);
        }
        expect(ground.call(["kill", id, "KILL"], { global }).code).not.toBe(0);
        ground.call(["delete", "--force", id], { global });
        expect(listIfThere(above).sort()).toEqual(["beside", "state"]);
        expect(listIfThere(`${above}/beside`)).toEqual(["file"]);
      }
    },
  );

  demand("letters, digits, _ + - . make an id, of 200 characters too", () => {
    for (const rest of ["A.b_c-d+9", "x".repeat(200 - ground.tag.length)]) {
      const id = `${ground.tag}${rest}`;
      ground.ok(["create", "--bundle", ground.bundle(), id]);
      expect(ground.state(id).id).toBe(id);
      ground.ok(["delete", "--force", id]);
    }
  });

  demand("an id in use is refused, and its container is as it was", () => {
    const { id, pid, bundle } = ground.start();
    ground.refused(["create", "--bundle", ground.bundle(), id]);
    ground.refused(["run", "--bundle", ground.bundle(), id]);
    expect(ground.state(id)).toMatchObject({ status: "running", pid, bundle });
  });

  demand("an id is in use until its container is deleted, and then free", async () => {
    const { id } = await ground.stopped();
    ground.refused(["create", "--bundle", ground.bundle(), id]);
    ground.ok(["delete", id]);
    ground.ok(["create", "--bundle", ground.bundle(), id]);
    ground.ok(["delete", "--force", id]);
  });

  demand("the same id below another root is another container", () => {
    const { id } = ground.start();
    const global = ["--root", ground.path("other-root")];
    ground.ok(["create", "--bundle", ground.bundle(), id], { global });
    const other = JSON.parse(ground.ok(["state", id], { global }).stdout) as { status: string };
    expect(other.status).toBe("created");
    expect(ground.state(id).status).toBe("running");
    ground.ok(["delete", "--force", id], { global });
    expect(ground.state(id).status).toBe("running");
  });

  demand("a root below directories that are not there is made", () => {
    const id = ground.id();
    const global = ["--root", `${ground.directory}/deep/er/root`];
    ground.ok(["create", "--bundle", ground.bundle(), id], { global });
    ground.ok(["delete", "--force", id], { global });
  });

  const refusedBundle = (bundle: string): string =>
    ground.refused(["create", "--bundle", bundle, ground.id()]);

  demand("a bundle that is not there is an error that names it", () => {
    expect(refusedBundle(`${ground.directory}/no-such-bundle`)).toContain("no-such-bundle");
  });

  demand("a bundle without config.json is an error that names it", () => {
    const bundle = ground.path("bundle");
    mkdirSync(bundle);
    expect(refusedBundle(bundle)).toContain("config.json");
    expect(readdirSync(bundle)).toEqual([]);
  });

  demand("a bundle that is a file is an error", () => {
    const path = ground.path("file");
    writeFileSync(path, "");
    refusedBundle(path);
  });

  demand("a root that is not there is an error that names it", () => {
    const bundle = ground.bundle((config) => {
      config.root["path"] = "no-such-rootfs";
    });
    expect(refusedBundle(bundle)).toContain("no-such-rootfs");
    expect(readdirSync(bundle)).toEqual(["config.json"]);
  });

  demand("a root that is a file is an error", () => {
    const bundle = ground.bundle((config) => {
      config.root["path"] = "config.json";
    });
    refusedBundle(bundle);
  });

  demand("a config without root is an error", () => {
    refusedBundle(
      ground.bundle((config) => {
        Reflect.deleteProperty(config, "root");
      }),
    );
  });

  demand(
    "the root is relative to the bundle; the bundle to the working directory, its default",
    () => {
      const change = (config: {
        root: Record<string, unknown>;
        process: Record<string, unknown>;
      }) => {
        config.root["path"] = "../rootfs";
        config.process["args"] = ["/bin/echo", "found"];
      };
      const bundle = ground.bundle(change);
      const name = bundle.slice(ground.directory.length + 1);
      const found = { code: 0, stdout: "found\n", stderr: "" };
      expect(ground.call(["run", ground.id()], { cwd: bundle })).toMatchObject(found);
      const from = { cwd: ground.directory };
      expect(ground.call(["run", "-b", name, ground.id()], from)).toMatchObject(found);
      expect(ground.call(["run", `--bundle=${bundle}/`, ground.id()])).toMatchObject(found);
    },
  );

  const refusedText = (text: string): string => {
    const bundle = ground.bundle();
    writeFileSync(`${bundle}/config.json`, text);
    const line = refusedBundle(bundle);
    expect(readdirSync(bundle)).toEqual(["config.json"]);
    return line;
  };

  demand("what is not JSON is an error in one line", () => {
    for (const text of ["", "{", "nonsense", "[]", "null", "42", '"text"', "{}", '{"a":1}}']) {
      refusedText(text);
    }
  });

  demand("deep nesting is an error in one line, or ignored, and no crash", () => {
    refusedText(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
    refusedText(`{"annotations":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`);
  });

  const withVersion = (version: unknown): string =>
    ground.bundle((config) => {
      config.ociVersion = version as string;
      config.process["args"] = ["/bin/true"];
    });

  for (const version of ["2.0.0", "garbage", "", "1", "0.1.0", "1.x.0", 1, null]) {
    demand(`ociVersion ${JSON.stringify(version)} is refused`, () => {
      refusedBundle(withVersion(version));
    });
  }

  demand("a config without ociVersion is refused", () => {
    refusedBundle(withVersion(undefined));
  });

  demand("ociVersion of 1.0.0, later minors and pre-releases are taken", () => {
    for (const version of ["1.0.0", "1.0.2", "1.0.2-dev", "1.1.0", "1.2.1", "1.3.0", "1.0.0-rc5"]) {
      ground.ok(["run", "--bundle", withVersion(version), ground.id()]);
    }
  });

  demand("unknown fields are ignored", () => {
    const bundle = ground.bundle((config) => {
      Object.assign(config, { unknown: { a: [1, "x", null] } });
      config.process["unknown"] = true;
      config.process["args"] = ["/bin/true"];
      config.root["unknown"] = "x";
      config.linux["unknown"] = 42;
      config.linux.resources["unknown"] = {};
    });
    ground.ok(["run", "--bundle", bundle, ground.id()]);
  });

  demand(
    "a config for another system alone, without linux or process, is refused by start at the latest",
    () => {
      const id = ground.id();
      const bundle = ground.bundle((config) => {
        Reflect.deleteProperty(config, "process");
      });
      const created = ground.call(["create", "--bundle", bundle, id]);
      if (created.code === 0) ground.refused(["start", id]);
    },
  );

  demand("a failed create leaves its id free, and the bundle as it was", async () => {
    const id = ground.id();
    const bundle = ground.bundle((config) => {
      config.process["args"] = ["/bin/true"];
      config.mounts.push({ destination: "/tmp", type: "nosuchfs", source: "x" });
    });
    ground.refused(["create", "--bundle", bundle, id]);
    await ground.expectNothingLeft();
    expect(readdirSync(bundle)).toEqual(["config.json"]);
    expect(ground.call(["state", id]).code).not.toBe(0);
    rmSync(bundle, { recursive: true });
    ground.ok([
      "run",
      "--bundle",
      ground.bundle((config) => {
        config.process["args"] = ["/bin/true"];
      }),
      id,
    ]);
  });
});
