// AppArmor, where the kernel has it: the profile is in force for the container's program and for what
// exec starts, whatever the image or a mount has put where labels are written.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseProfile, whyNoAppArmor } from "./apparmor-profile.ts";
import { runBundle } from "./bundle.ts";
import { OrdinaryUser, whyNoUser } from "./ordinary-user.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const reason = whyNot ?? whyNoAppArmor;

const ground = new Ground("apparmor", reason);
const profile = `pivot-test-${process.pid}`;

const flags = "flags=(attach_disconnected,mediate_deleted)";
const parse = (flag: "--replace" | "--remove"): void =>
  parseProfile(
    flag,
    `${ground.directory}/profile`,
    `profile ${profile} ${flags} {
      file, capability, network, signal, ptrace, mount, umount,
      deny /forbidden wl,
    }\n`,
  );

/** One in which containers of docker are, as far as mounts go, one without rights, and one for good. */
const around = {
  mounts: `${profile}-mounts`,
  rights: `${profile}-rights`,
  good: `${profile}-good`,
} as const;

const parseAround = (flag: "--replace" | "--remove"): void =>
  parseProfile(
    flag,
    `${ground.directory}/around`,
    `profile ${around.mounts} ${flags} {
      file, capability, network, signal, ptrace, umount, deny mount,
    }
    profile ${around.good} ${flags} {
      file, capability, network, signal, ptrace, unix, mount, umount, pivot_root,
    }
    profile ${around.rights} ${flags} {
      file, network, signal, ptrace, capability setuid, capability setgid,
    }\n`,
  );

/** Milliseconds for a command that does everything anew, also in a slow machine. */
const timeout = 30_000 * patience;

const noExec = reason ?? (Bun.which("aa-exec") === null ? "aa-exec is missing" : undefined);

describe.skipIf(noExec !== undefined)(`pivot within a profile (${noExec ?? "enforced"})`, () => {
  beforeAll(() => parseAround("--replace"));
  afterAll(() => parseAround("--remove"));

  const run = ["run", "--rm", "--network", "none", "busybox", "true"];
  const below = (which: keyof typeof around, words: readonly string[]): string[] => [
    "aa-exec",
    "-p",
    around[which],
    "--",
    ...words,
  ];
  const cure = (which: keyof typeof around): string =>
    `leave AppArmor's profile ${around[which]} out: start the container around this with --security-opt apparmor=unconfined, or give the profile \`userns,\`, \`mount,\` and \`capability,\``;
  const clone = new URL("..", import.meta.url).pathname;

  test.each(["mounts", "rights"] as const)(
    "that takes %s: run, doctor and library say so",
    (which) => {
      const ran = ground.command(below(which, [pivotPath, ...ground.roots(), ...run]));
      expect({ code: ran.code, lines: ran.stderr.split("\n").length }).toEqual({
        code: 125,
        lines: 2,
      });
      expect(ran.stderr).toEndWith(`: ${cure(which)}\n`);
      const words = [pivotPath, ...ground.roots(), "doctor", "--format", "json"];
      const told = JSON.parse(ground.command(below(which, words)).stdout) as {
        Usable: boolean;
        Findings: { Level: string; Cure: string }[];
      };
      expect(told.Usable).toBe(false);
      const fatal = told.Findings.filter(({ Level }) => Level === "fatal").map(({ Cure }) => Cure);
      expect(new Set(fatal)).toEqual(new Set([cure(which)]));
      const script = `import { run } from "${clone}src/mod.ts";
      const roots = { dataRoot: "${ground.root}", runRoot: "${ground.runRoot}" };
      await run({ image: "busybox", command: ["true"], network: "none", roots }).catch(({ message }) => console.log(message));`;
      const library = ground.command(below(which, [process.execPath, "-e", script]));
      expect(library.stdout).toMatch(
        which === "mounts"
          ? /AppArmor forbids it: leave AppArmor's profile/
          : /AppArmor|CAP_SYS_ADMIN/,
      );
    },
  );

  test("that allows no other one: a container that asks for one is told so", () => {
    const [command = "", ...rest] = run;
    const words = [command, "--security-opt", `apparmor=${around.mounts}`, ...rest];
    expect(ground.command(below("good", [pivotPath, ...ground.roots(), ...run])).stderr).toBe("");
    const ran = ground.command(below("good", [pivotPath, ...ground.roots(), ...words]));
    expect({ code: ran.code, lines: ran.stderr.split("\n").length }).toEqual({
      code: 125,
      lines: 2,
    });
    expect(ran.stderr).toEndWith(
      `; AppArmor's profile ${around.good}, in which pivot itself runs, allows no change to another one: leave the container's profile out, or give ${around.good} \`change_profile -> ${around.mounts},\`\n`,
    );
  });

  const whyNotUser = whyNoUser();
  test.skipIf(whyNotUser !== undefined).each(["mounts", "rights"] as const)(
    `that takes %s, of an ordinary user (${whyNotUser ?? "made for it"})`,
    async (which) => {
      const user = new OrdinaryUser("range");
      try {
        const { code, stderr } = await user.command(below(which, [pivotPath, ...run]), { timeout });
        expect({ code, lines: stderr.split("\n").length }).toEqual({ code: 125, lines: 2 });
        expect(stderr).toEndWith(`: ${cure(which)}\n`);
        await user.expectNobody();
      } finally {
        user.drop();
      }
    },
  );
});

describe.skipIf(reason !== undefined)(`AppArmor (${reason ?? "enforced"})`, () => {
  beforeAll(() => parse("--replace"));
  afterAll(async () => {
    parse("--remove");
    await ground.close();
  });

  const attempt = "(echo x >/forbidden) 2>&1; echo x >/allowed && cat /allowed";
  const denied = "sh: can't create /forbidden: Permission denied\nx";
  const confined = ["--security-opt", `apparmor=${profile}`];

  test("the profile of --security-opt is in force, with no-new-privileges too", () => {
    const look = `cat /proc/self/attr/current; ${attempt}`;
    for (const more of [[], ["--security-opt", "no-new-privileges"]]) {
      expect(ground.shell([...confined, ...more], look)).toBe(`${profile} (enforce)\n${denied}`);
    }
    expect(ground.shell([], "cat /proc/self/attr/current; echo x >/forbidden")).toBe("unconfined");
  });

  test("exec has the container's, and none with --privileged", async () => {
    const running = await ground.start(confined);
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
