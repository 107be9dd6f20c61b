// AppArmor, where the kernel has it: the profile is in force for the container's program and for what
// exec starts, whatever the image or a mount has put where labels are written.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseProfile, whyNoAppArmor } from "./apparmor-profile.ts";
import { runBundle } from "./bundle.ts";
import { Ground, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const reason = whyNot ?? whyNoAppArmor;

const ground = new Ground("apparmor", reason);
const profile = `pivot-test-${process.pid}`;

const parse = (flag: "--replace" | "--remove"): void =>
  parseProfile(
    flag,
    `${ground.directory}/profile`,
    `profile ${profile} flags=(attach_disconnected,mediate_deleted) {
      file, capability, network, signal, ptrace, mount, umount,
      deny /forbidden wl,
    }\n`,
  );

describe.skipIf(reason !== undefined)(`AppArmor (${reason ?? "enforced"})`, () => {
  beforeAll(() => parse("--replace"));
  afterAll(async () => {
    parse("--remove");
    await ground.close();
  });

  const attempt = "(echo x >/forbidden) 2>&1; echo x >/allowed && cat /allowed";
  const denied = "sh: can't create /forbidden: Permission denied\nx";
  const flags = ["--security-opt", `apparmor=${profile}`];

  test("the profile of --security-opt is in force, with no-new-privileges too", () => {
    const look = `cat /proc/self/attr/current; ${attempt}`;
    for (const more of [[], ["--security-opt", "no-new-privileges"]]) {
      expect(ground.shell([...flags, ...more], look)).toBe(`${profile} (enforce)\n${denied}`);
    }
    expect(ground.shell([], "cat /proc/self/attr/current; echo x >/forbidden")).toBe("unconfined");
  });

  test("exec has the container's, and none with --privileged", async () => {
    const running = await ground.start(flags);
    const label = "cat /proc/self/attr/current";
    const inside = (...words: string[]) =>
      ground.pivot(["exec", ...words, running.name, "sh", "-c", label]).stdout;
    expect(inside()).toBe(`${profile} (enforce)\n`);
    expect(inside("--privileged")).toBe("unconfined\n");
    await running.stop();
  });

  test("a profile that is not loaded is refused in one line, naming it", () => {
    const ran = ground.run(["--security-opt", "apparmor=pivot-test-gone", "busybox", "true"]);
    expect(ran).toMatchObject({ code: 125, stdout: "" });
    expect(ran.stderr).toMatch(/^pivot: [^\n]*pivot-test-gone[^\n]*\n$/);
  });

  test("a file system in the place of procfs takes no label (CVE-2019-16884)", () => {
    const root = makeSmallRoot(ground, "root");
    const ran = runBundle(ground, root, ["/bin/sh", "-c", attempt], (config) => {
      config.process["apparmorProfile"] = profile;
      config.root["readonly"] = false;
      config.mounts = config.mounts.map((mount) =>
        mount.destination === "/proc"
          ? { destination: "/proc", type: "tmpfs", source: "tmpfs" }
          : mount,
      );
    });
    // Refused, or in force all the same.
    if (ran.code === 0) expect(ran.stdout.trimEnd()).toBe(`/bin/${denied}`);
    else expect(ran.stderr).toMatch(/^pivot: [^\n]*\/proc[^\n]*\n$/);
  });
});
