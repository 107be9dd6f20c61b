// What is wrong is said in one line that names it, with docker's code for it, and nothing is left behind.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("bad-input");
const here = ground.directory;

const see = (command: string | null): string =>
  `pivot: see \`pivot ${command === null ? "" : `${command} `}--help\`\n`;
const invalid = (value: string, option: string, reason: string): string =>
  `pivot: invalid argument ${JSON.stringify(value)} for "${option}": ${reason}\n`;

type Case = readonly [words: readonly string[], stderr: string | RegExp];

const usage: readonly Case[] = [
  [["run", "--no-such", "busybox"], `pivot: unknown flag: --no-such\n${see("run")}`],
  [
    ["run", "--raed-only", "busybox"],
    `pivot: unknown flag: --raed-only; did you mean --read-only?\n${see("run")}`,
  ],
  [["run", "-Q", "80:80", "busybox"], `pivot: unknown shorthand flag: -Q in -Q\n${see("run")}`],
  [["run", "-iZ", "busybox"], `pivot: unknown shorthand flag: -Z in -iZ\n${see("run")}`],
  [
    ["run"],
    `pivot: which image? it comes after the options, and what to run after it: busybox sh\n${see("run")}`,
  ],
  [["run", ""], `pivot: the name of the image is empty\n${see("run")}`],
  [["run", "--name"], `pivot: --name needs a value: NAME\n${see("run")}`],
  [
    ["run", "--rm=perhaps", "busybox"],
    `pivot: --rm takes true or false, received "perhaps"\n${see("run")}`,
  ],
];

/** Flags that cannot be read are 125 with every command. */
const otherFlags: readonly Case[] = [
  [["ps", "--no-such"], `pivot: unknown flag: --no-such\n${see("ps")}`],
  [
    ["ps", "--root", "/x"],
    `pivot: unknown flag: --root; it stands before the command: pivot --root DIR ps\n${see("ps")}`,
  ],
  [["rm", "-Q", "web"], `pivot: unknown shorthand flag: -Q in -Q\n${see("rm")}`],
  [["ps", "-n", "many"], `pivot: --last takes a number, received "many"\n${see("ps")}`],
  [["create", "-m", "1x", "busybox"], /^pivot: invalid argument "1x" for "-m, --memory"[^\n]+\n$/],
  [
    ["--log-format", "xml", "version"],
    `pivot: --log-format takes text or json, received "xml"\n${see("version")}`,
  ],
];

/** Commands whose codes nobody has to tell from a program's: 1. */
const elsewhere: readonly Case[] = [
  [["create", "--pull", "never", "no-such-image"], /^pivot: no image [^\n]+\n$/],
  [
    ["create", "-m", "4k", "busybox"],
    invalid("4096", "-m, --memory", "a container needs 6m (6291456 bytes) at least"),
  ],
  [["exec", "no-such", "true"], /^pivot: [^\n]*no-such[^\n]*\n$/],
  [["rm", ""], "pivot: the name of the container is empty\n"],
  [["rm"], `pivot: rm needs a container: \`pivot ps -a\` lists them\n${see("rm")}`],
  [
    ["system", "prune", "all"],
    `pivot: system prune takes no arguments, received all\n${see("system prune")}`,
  ],
  [
    ["system", "prume"],
    `pivot: unknown command: system prume; did you mean system prune?\n${see(null)}`,
  ],
  [["version", "now"], `pivot: version takes no arguments, received now\n${see("version")}`],
  [
    ["plan", "--format", "xml", "busybox"],
    `pivot: --format takes table or json, received "xml"\n${see("plan")}`,
  ],
];

const options: readonly Case[] = [
  [
    ["-m", "1x"],
    invalid("1x", "-m, --memory", "invalid size: it looks like 512m, 1.5g or 1048576"),
  ],
  [
    ["-v", "notes:/dev"],
    invalid(
      "/dev",
      "-v, --volume",
      "its devices are there: bind a directory that has them, or choose another path",
    ),
  ],
  [
    ["--tmpfs", "/proc/"],
    invalid(
      "/proc",
      "--tmpfs",
      "its processes are shown there: it can be covered by the host's /proc alone",
    ),
  ],
  [
    ["-v", "/tmp:/x/../proc"],
    invalid(
      "/proc",
      "-v, --volume",
      "its processes are shown there: it can be covered by the host's /proc alone",
    ),
  ],
  [["--cpus", "abc"], invalid("abc", "--cpus", "it is a number of CPUs such as 1.5")],
  [
    ["--cap-add", "NOPE"],
    invalid("NOPE", "--cap-add", "unknown capability: CAP_NOPE (capabilities(7) has the list)"),
  ],
  [
    ["--ulimit", "nofile=5:3"],
    invalid(
      "nofile=5:3",
      "--ulimit",
      "the soft limit must be less than or equal to the hard limit: 5 > 3",
    ),
  ],
  [
    ["--name", "a/b"],
    invalid(
      "a/b",
      "--name",
      "invalid container name: only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed, from 2 to 255 characters",
    ),
  ],
  [["--name", ".."], /^pivot: invalid argument "\.\." for "--name": [^\n]+\n$/],
  [["-h", "-x-"], /^pivot: invalid argument "-x-" for "-h, --hostname": [^\n]+\n$/],
  [["-e", "=x"], invalid("=x", "-e, --env", "empty name: it looks like NAME=value")],
  [
    ["-w", "relative"],
    invalid("relative", "-w, --workdir", "the working directory needs to be an absolute path"),
  ],
  [
    ["--device", "/dev/no-such"],
    invalid(
      "/dev/no-such",
      "--device",
      "the host has no device, and no directory with devices, there",
    ),
  ],
  [
    ["--device", "/etc/passwd"],
    /^pivot: invalid argument "\/etc\/passwd" for "--device": [^\n]+\n$/,
  ],
  [
    ["--stop-signal", "FOO"],
    invalid("FOO", "--stop-signal", "it is a signal such as SIGTERM, RTMIN+3 or 15"),
  ],
  [
    ["--security-opt", "nope"],
    invalid("nope", "--security-opt", "it looks like NAME=value, or is no-new-privileges"),
  ],
  [["--pids-limit", "-2"], /^pivot: invalid argument "-2" for "--pids-limit": [^\n]+\n$/],
  [["--oom-score-adj", "1001"], /^pivot: invalid argument "1001" for "--oom-score-adj": [^\n]+\n$/],
  [["--umask", "999"], /^pivot: invalid argument "999" for "--umask": [^\n]+\n$/],
  [
    ["--sysctl", "kernel.panic=1"],
    /^pivot: invalid argument "kernel.panic=1" for "--sysctl": [^\n]+\n$/,
  ],
  [["--add-host", "x"], /^pivot: invalid argument "x" for "--add-host": [^\n]+\n$/],
  [["--dns", "300.1.1.1"], /^pivot: invalid argument "300.1.1.1" for "--dns": [^\n]+\n$/],
  [
    ["--env-file", "/no/such"],
    /^pivot: invalid argument "\/no\/such" for "--env-file": ENOENT: no such file or directory\n$/,
  ],
  [["--root-switch", "leap"], /^pivot: invalid argument "leap" for "--root-switch": [^\n]+\n$/],
  [["--pid", "container:nobody"], /^pivot: [^\n]*nobody[^\n]*\n$/],
  [["--pid", "nonsense"], /^pivot: invalid argument "nonsense" for "--pid": [^\n]+\n$/],
  [["--network", "no-such-net"], /^pivot: network no-such-net not found: [^\n]+\n$/],
  [["-p", "80:x"], /^pivot: invalid argument "80:x" for "-p, --publish": [^\n]+\n$/],
  [["--memory", "1k"], /^pivot: [^\n]*memory[^\n]*\n$/i],
  [["--cpuset-cpus", "4095"], /^pivot: [^\n]*4095[^\n]*\n$/],
  [["--sysctl", "net.ipv4.no_such=1"], /^pivot: [^\n]*net[./]ipv4[./]no_such[^\n]*\n$/],
  [
    ["--security-opt", "apparmor=strict"],
    // Refused by the planner, or where there is AppArmor by that: it has no such profile.
    /^pivot: [^\n]*AppArmor[^\n]*\n$/,
  ],
  [["--ulimit", "nofile=99999999999"], /^pivot: [^\n]*NOFILE[^\n]*\n$/],
];

const config = (change: Record<string, unknown>): string =>
  JSON.stringify({
    ociVersion: "1.2.0",
    root: { path: "rootfs" },
    process: { args: ["/bin/true"], cwd: "/", user: { uid: 0, gid: 0 } },
    linux: { namespaces: [{ type: "mount" }, { type: "pid" }] },
    ...change,
  });

const bundles: readonly (readonly [title: string, text: string, said: RegExp])[] = [
  ["no JSON", "{ oops", /config\.json: /],
  ["no object", "[]", /config\.json: .*object/],
  ["args that are a string", config({ process: { args: "sh", cwd: "/" } }), /process\.args.*"sh"/],
  [
    "a uid that is a string",
    config({ process: { args: ["sh"], cwd: "/", user: { uid: "0", gid: 0 } } }),
    /process\.user\.uid.*"0"/,
  ],
  [
    "a negative uid",
    config({ process: { args: ["sh"], cwd: "/", user: { uid: -1, gid: 0 } } }),
    /process\.user\.uid.*-1/,
  ],
  ["a relative cwd", config({ process: { args: ["sh"], cwd: "x" } }), /process\.cwd.*"x"/],
  [
    "an unknown namespace",
    config({ linux: { namespaces: [{ type: "nope" }] } }),
    /linux\.namespaces\[0\]\.type.*"nope"/,
  ],
  [
    "no mount namespace",
    config({ linux: { namespaces: [{ type: "pid" }] } }),
    /linux\.namespaces: .*mount/,
  ],
  [
    "a mount without destination",
    config({ mounts: [{ type: "proc" }] }),
    /mounts\[0\]\.destination/,
  ],
  ["another major version", config({ ociVersion: "2.0.0" }), /ociVersion.*"2\.0\.0"/],
  ["no process", config({ process: undefined }), /process: /],
  [
    "a hook without a path",
    config({ hooks: { poststop: [{ args: ["x"] }] } }),
    /hooks\.poststop\[?\.?0\]?\.path: expected/,
  ],
  [
    "a root that is not there",
    config({ root: { path: "elsewhere" } }),
    /root\.path: there is no directory .*\/elsewhere/,
  ],
  [
    "a root that is a file",
    config({ root: { path: "config.json" } }),
    /root\.path: .*config\.json is no directory/,
  ],
];

function refuses(words: readonly string[], said: string | RegExp, code = 125): void {
  const ran = ground.pivot(words);
  expect(ran).toMatchObject({ code, stdout: "" });
  if (typeof said === "string") expect(ran.stderr).toBe(said);
  else expect(ran.stderr).toMatch(said);
}

const blob = "blobs/sha256";
const descriptor = (digest: string, size = 2) => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest,
  size,
});

describe.skipIf(whyNot !== undefined)(`bad input (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  for (const [words, said] of [...usage, ...otherFlags]) {
    test(`pivot ${words.join(" ")}`, () => refuses(words, said));
  }
  for (const [words, said] of elsewhere) {
    test(`pivot ${words.join(" ")}`, () => refuses(words, said, 1));
  }
  for (const [flags, said] of options) {
    test(`run ${flags.join(" ")}`, () =>
      refuses(["run", "--rm", ...flags, "busybox", "true"], said));
  }

  test("all that is wrong is said at once, a line each", () => {
    const ran = ground.run(["-m", "1x", "--cpus", "abc", "-u", "-1", "busybox", "true"]);
    expect(ran.code).toBe(125);
    expect(ran.stderr.match(/^pivot: invalid argument "(1x|abc|-1)"/gm)).toHaveLength(3);
    expect(ran.stderr.trim().split("\n")).toHaveLength(3);
  });

  test("an unknown command, and one that is nearly known", () => {
    expect(ground.pivot(["frobnicate"])).toMatchObject({
      code: 1,
      stderr: `pivot: unknown command: frobnicate; \`pivot help\` lists them all\n${see(null)}`,
    });
    expect(ground.pivot(["rnu", "busybox"]).stderr).toContain("did you mean run?");
  });

  test("a root that is somebody else's: what is in it would be carried out", () => {
    const theirs = `${here}/theirs`;
    mkdirSync(theirs);
    chownSync(theirs, 12345, 12345);
    const told = (flag: string, why: string): string =>
      `pivot: ${theirs} is not used: ${why}; give another ${flag}\n`;
    const whose = "it belongs to the user 12345";
    const say = (...words: string[]) => spawnSync(pivotPath, words, { encoding: "utf8" }).stderr;
    expect(say("--root", theirs, "--runroot", ground.runRoot, "ps")).toBe(told("--root", whose));
    expect(say("--root", ground.root, "--runroot", theirs, "ps")).toBe(told("--runroot", whose));
    expect(say("oci", "--root", theirs, "list")).toContain(`${theirs} is not used: ${whose}`);
    chownSync(theirs, 0, 0);
    chmodSync(theirs, 0o777);
    const open = "others may write there: its mode is 777";
    expect(say("--root", theirs, "--runroot", ground.runRoot, "images")).toBe(told("--root", open));
    expect(readdirSync(theirs)).toEqual([]);
  });

  test("an image that is not here", () => {
    refuses(
      ["run", "--pull", "never", "no-such-image"],
      `pivot: no image "docker.io/library/no-such-image:latest" in ${ground.root}: pull or import it\n`,
    );
    refuses(["run", "Bad/UPPER"], /^pivot: [^\n]*Bad\/UPPER[^\n]*\n$/);
    refuses(["run", "x:y:z"], /^pivot: [^\n]*x:y:z[^\n]*\n$/);
    refuses(["run", "../../etc"], /^pivot: [^\n]*\.\.\/\.\.\/etc[^\n]*\n$/);
  });

  for (const path of ["/proc", "/dev/"]) {
    test(`an image with a volume at ${path}`, () => {
      const imported = ["import", "-c", `VOLUME ${path}`, "-", "unfit"];
      expect(ground.pivot(imported, { input: "\0".repeat(1024) }).code).toBe(0);
      refuses(
        ["run", "--rm", "unfit", "sh"],
        new RegExp(`^pivot: the image has a VOLUME ${path.replace(/\/$/, "")}, [^\\n]+\\n$`),
      );
    });
  }

  test("an archive or a layout that is none", () => {
    refuses(["run", "docker-archive:/etc/passwd"], /^pivot: [^\n]*\/etc\/passwd[^\n]*\n$/);
    refuses(["run", "docker-archive:/no/such"], /^pivot: [^\n]*\/no\/such[^\n]*\n$/);
    refuses(["run", `docker-archive:${here}`], /^pivot: [^\n]+\n$/);
    refuses(
      ["run", "oci:/no/such"],
      `pivot: "/no/such" is no OCI layout: it lacks oci-layout or index.json\n`,
    );
  });

  const indexes: readonly (readonly [title: string, index: string])[] = [
    ["no JSON", "{"],
    ["a number", "7"],
    ["manifests that are no list", '{"schemaVersion":2,"manifests":{}}'],
    ["no manifest", '{"schemaVersion":2,"manifests":[]}'],
    [
      "a digest that is a path",
      JSON.stringify({ schemaVersion: 2, manifests: [descriptor("sha256:../../../etc/passwd")] }),
    ],
    [
      "a blob that is missing",
      JSON.stringify({ schemaVersion: 2, manifests: [descriptor(`sha256:${"0".repeat(64)}`)] }),
    ],
    [
      "a size that is negative",
      JSON.stringify({ schemaVersion: 2, manifests: [descriptor(`sha256:${"0".repeat(64)}`, -1)] }),
    ],
  ];
  for (const [title, index] of indexes) {
    test(`an OCI layout whose index is or has ${title}`, () => {
      const layout = `${here}/layout`;
      mkdirSync(`${layout}/${blob}`, { recursive: true });
      writeFileSync(`${layout}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
      writeFileSync(`${layout}/index.json`, index);
      refuses(["run", `oci:${layout}`], /^pivot: [^\n]+\n$/);
    });
  }

  for (const [title, text, said] of bundles) {
    test(`a bundle with ${title}`, () => {
      const bundle = `${here}/bundle`;
      mkdirSync(`${bundle}/rootfs`, { recursive: true });
      writeFileSync(`${bundle}/config.json`, text);
      const ran = ground.pivot(["run", "--bundle", bundle]);
      expect(ran).toMatchObject({ code: 125, stdout: "" });
      expect(ran.stderr).toMatch(/^(pivot: [^\n]+\n)+$/);
      expect(ran.stderr).toMatch(said);
    });
  }

  test("a bundle that is not there, is a file, or is given a command", () => {
    refuses(
      ["run", "--bundle", "/no/such"],
      /^pivot: no bundle: [^\n]*\/no\/such\/config\.json[^\n]*\n$/,
    );
    refuses(
      ["run", "--bundle", "/etc/passwd"],
      /^pivot: no bundle: [^\n]*\/etc\/passwd\/config\.json[^\n]*\n$/,
    );
    refuses(
      ["run", "--bundle", here, "sh"],
      `pivot: the command of a bundle is in its config.json, received sh\n${see("run")}`,
    );
  });

  test("a root that is a file, is not there, or has nothing in it", () => {
    refuses(
      ["run", "--rootfs", "/etc/passwd", "sh"],
      "pivot: --rootfs: /etc/passwd is no directory\n",
    );
    refuses(
      ["run", "--rootfs", "/no/such", "sh"],
      "pivot: --rootfs: there is no directory /no/such\n",
    );
    mkdirSync(`${here}/empty`);
    const ran = ground.run(["--rootfs", `${here}/empty`, "sh"]);
    expect(ran).toMatchObject({ code: 127, stdout: "" });
    expect(ran.stderr).toMatch(
      /^pivot: cannot execute sh [^\n]*the image has no such program: sh\n$/,
    );
    const file = makeSmallRoot(ground, "odd", {
      "etc/hosts/x": "a directory where a file should be",
    });
    expect(ground.run(["--rootfs", file, "/bin/true"])).toMatchObject({ code: 125 });
  });

  test("a name that would steer the terminal is made plain", () => {
    const ran = ground.run(["busybox", "\u001b]0;x\u0007\u009b31m\u202e"]);
    expect(ran.code).toBe(127);
    expect(ran.stderr).toContain("no such program: \\x1b]0;x\\x07\\x9b31m\\u202e\n");
    expect(ran.stderr.trimEnd()).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  test("errors for machines are a line of JSON", () => {
    const ran = ground.pivot(["--log-format", "json", "run", "--rm", "-m", "1x", "busybox"]);
    expect(ran.code).toBe(125);
    expect(JSON.parse(ran.stderr)).toMatchObject({
      level: "error",
      msg: expect.stringContaining("1x"),
    });
    const failed = ground.pivot(["--log-format=json", "run", "--rm", "busybox", "no-such-program"]);
    expect(failed.code).toBe(127);
    expect(JSON.parse(failed.stderr)).toMatchObject({ level: "error" });
  });

  test("none of it has left anything", async () => {
    await ground.expectNothingLeft();
  });
});
