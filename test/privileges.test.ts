// Capabilities that are added and dropped, no_new_privs, and what --privileged gives.

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync } from "node:fs";
import { capabilities } from "../src/plan/constants.ts";
import { Ground, probeProgram, whyNot } from "./pivot.ts";
import { type Sight, statusOf } from "./sight.ts";

const ground = new Ground("privileges");

const named = (mask: string | undefined): string[] =>
  Object.entries(capabilities)
    .filter(([, bit]) => ((BigInt(`0x${mask ?? "0"}`) >> BigInt(bit)) & 1n) === 1n)
    .map(([name]) => name.replace("CAP_", ""));

/** The sets by name: bounding, effective and permitted have to be the same. */
function held({ status }: Sight): string[] {
  const of = (name: string): string[] => named(statusOf(status, name));
  expect(of("CapPrm")).toEqual(of("CapBnd"));
  expect(of("CapEff")).toEqual(of("CapBnd"));
  expect([...of("CapInh"), ...of("CapAmb")]).toEqual([]);
  return of("CapBnd");
}

const standard =
  "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP".split(
    " ",
  );
const everything = named(statusOf(await Bun.file("/proc/self/status").text(), "CapBnd"));

describe.skipIf(whyNot !== undefined)(`privileges (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  const sets: readonly (readonly [flags: string, expected: string[]])[] = [
    ["", standard],
    ["--cap-drop ALL", []],
    ["--cap-drop all --cap-add chown", ["CHOWN"]],
    ["--cap-add ALL", everything],
    ["--cap-add ALL --cap-drop CAP_SYS_ADMIN", everything.filter((name) => name !== "SYS_ADMIN")],
    ["--cap-drop MKNOD --cap-drop cap_net_raw", standard.filter((n) => !/MKNOD|NET_RAW/.test(n))],
    ["--cap-add SYS_PTRACE", [...standard, "SYS_PTRACE"]],
    ["--privileged", everything],
  ];
  for (const [flags, expected] of sets) {
    test(`with ${flags || "no flags"} the sets are exactly these ${expected.length}`, () => {
      const found = held(ground.probe(flags.split(" ").filter(Boolean)));
      expect(found.sort()).toEqual([...expected].sort());
    });
  }

  test("no-new-privileges: a set-user-id program gives nothing", () => {
    const program = `${ground.directory}/setuid-probe`;
    copyFileSync(probeProgram(), program);
    chmodSync(program, 0o4755);
    const flags = ["-u", "1000:1000", "-v", `${program}:/setuid`];
    const see = (...more: string[]): Sight =>
      ground.sight(ground.run([...flags, ...more, "busybox", "/setuid"]));
    expect(see().uids).toEqual([1000, 0, 0]);
    expect(see().noNewPrivs).toBe(0);
    const kept = see("--security-opt", "no-new-privileges");
    expect(kept.uids).toEqual([1000, 1000, 1000]);
    expect(kept.noNewPrivs).toBe(1);
    expect(see("--security-opt", "no-new-privileges=false").uids).toEqual([1000, 0, 0]);
  });

  test("no-new-privileges holds under --privileged, too", () => {
    const sight = ground.probe(["--privileged", "--security-opt", "no-new-privileges"]);
    expect(sight.noNewPrivs).toBe(1);
  });

  test("without capabilities mounting and namespaces are denied, by the kernel alone as well", () => {
    const attempts = ["mount:tmpfs:/mnt", "unshare:0x20000", "sethostname:x", "umount:/proc"];
    for (const flags of [[], ["--security-opt", "seccomp=unconfined"]]) {
      const { attempts: found } = ground.probe(flags, attempts);
      for (const each of attempts) expect([each, found[each]?.errno]).toEqual([each, "EPERM"]);
    }
  });

  test("--privileged may mount, name the machine and see the devices of the host", () => {
    const { attempts, devices, mountinfo } = ground.probe(
      ["--privileged"],
      ["mount:tmpfs:/mnt", "sethostname:x", "write:/proc/sys/kernel/panic", "read:/dev/kmsg"],
    );
    expect(attempts["mount:tmpfs:/mnt"]?.errno).toBeNull();
    expect(attempts["sethostname:x"]?.errno).toBeNull();
    expect(attempts["write:/proc/sys/kernel/panic"]?.errno).toBeNull();
    expect(attempts["read:/dev/kmsg"]?.errno).toBeNull();
    expect(devices["/dev/kmsg"]).toMatchObject({ type: "character", major: 1, minor: 11 });
    expect(mountinfo).not.toMatch(/ \/proc\/kcore /);
    expect(/ \/sys (\S+)/.exec(mountinfo ?? "")?.[1]).toStartWith("rw");
  });
});
