import { expect, test } from "bun:test";
import type { RunOptions } from "./options.ts";
import { Findings } from "./problem.ts";
import { systemPaths } from "./system-paths.ts";

const paths = (options: RunOptions, sensors: readonly string[] = []) =>
  systemPaths(options, sensors, new Findings());

const masked = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];
const readonly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

test("docker's paths, and those of the machine's sensors", () => {
  expect(paths({})).toEqual({ masked, readonly });
  expect(paths({}, ["/sys/x"])).toEqual({ masked: [...masked, "/sys/x"], readonly });
});

test("nothing is guarded in a privileged or unconfined container", () => {
  const open = { masked: [], readonly: [] };
  expect(paths({ privileged: true }, ["/sys/x"])).toEqual(open);
  expect(paths({ securityOpt: { systemPaths: "unconfined" } })).toEqual(open);
  expect(paths({ securityOpt: { unmask: "ALL" } })).toEqual(open);
});

test("paths are hidden and shown one by one, or by a pattern", () => {
  expect(paths({ securityOpt: { mask: ["/etc/x", "/proc/keys"] } }).masked).toEqual([
    ...masked,
    "/etc/x",
  ]);
  expect(paths({ privileged: true, securityOpt: { mask: ["/etc/x"] } }).masked).toEqual(["/etc/x"]);
  expect(paths({ securityOpt: { unmask: ["/proc/*"] } })).toEqual({
    masked: ["/sys/devices/virtual/powercap", "/sys/firmware"],
    readonly: [],
  });
  expect(paths({ securityOpt: { unmask: ["/proc/sys/", "/sys/*", "/proc/k*"] } })).toEqual({
    masked: masked.filter((path) => !/firmware|\/k/.test(path)),
    readonly: readonly.filter((path) => path !== "/proc/sys"),
  });
  expect(paths({ securityOpt: { unmask: ["/proc/.*", "/proc/acpi|/x", "/pro"] } }).masked).toEqual(
    masked,
  );
});

test("a mask is an absolute path below the root", () => {
  const findings = new Findings();
  systemPaths({ securityOpt: { mask: ["proc", "/"] } }, [], findings);
  expect(findings.problems).toEqual([
    {
      option: "--security-opt mask",
      received: "proc",
      reason: "the target proc is not an absolute path",
    },
    {
      option: "--security-opt mask",
      received: "/",
      reason: "the target cannot be /, the root itself",
    },
  ]);
});
