import { expect, test } from "bun:test";
import { OCI_VERSION, parseSpec, writeJson } from "../spec/mod.ts";
import { containerSpec } from "./container-spec.ts";
import { neededFacts } from "./facts.ts";
import type { ImageConfig } from "./image-config.ts";
import { hostFacts } from "./testing/facts.ts";
import { linesOf, made } from "./testing/made.ts";

const image: ImageConfig = {
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  Env: ["APP=1"],
  User: "app:staff",
  WorkingDir: "/srv/",
  Labels: { a: "image", b: "image" },
  Volumes: { "/data/": {}, "/cache": {} },
  StopSignal: "SIGQUIT",
};

test("the container of an image without options", () => {
  const result = containerSpec(image, [], {}, hostFacts);
  if (!result.ok) throw new Error("refused");
  const { spec, extras } = result;
  expect(spec.ociVersion).toBe(OCI_VERSION);
  expect(spec.root).toEqual({ path: "rootfs" });
  expect(spec.hostname).toBe("4bf9c0d1a2e3");
  expect(spec.domainname).toBeUndefined();
  expect(spec.annotations).toBeUndefined();
  const { capabilities, ...process } = spec.process ?? {};
  expect(process).toEqual({
    user: { uid: 0, gid: 0 },
    args: ["/entry", "serve"],
    env: [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOSTNAME=4bf9c0d1a2e3",
      "APP=1",
    ],
    cwd: "/srv",
  });
  expect(Object.keys(capabilities ?? {})).toEqual(["bounding", "effective", "permitted"]);
  expect(capabilities?.bounding?.length).toBe(14);
  expect(capabilities?.effective).toEqual(capabilities?.bounding ?? []);
  expect(capabilities?.permitted).toEqual(capabilities?.bounding ?? []);
  expect(extras).toEqual({
    user: "app:staff",
    groups: [],
    seccomp: "default",
    init: false,
    interactive: false,
    tty: false,
    signalProxy: true,
    stopSignal: 3,
    rootSwitch: "pivot",
    network: "private",
    hostname: "4bf9c0d1a2e3",
    domainname: "",
    dns: { servers: [], search: [], options: [] },
    hosts: [],
    labels: { a: "image", b: "image" },
    egress: null,
    selinux: [],
    relabel: [],
    createSources: [],
    chown: [],
    volumes: [],
    warnings: [],
  });
});

test("the Linux section without options", () => {
  const { linux } = made({});
  expect(linux.namespaces?.map(({ type }) => type)).toEqual([
    "mount",
    "network",
    "uts",
    "pid",
    "ipc",
    "cgroup",
  ]);
  expect({ ...linux.sysctl }).toEqual({
    "net.ipv4.ping_group_range": "0 2147483647",
    "net.ipv4.ip_unprivileged_port_start": "0",
  });
  expect(linux.maskedPaths).toContain("/proc/kcore");
  expect(linux.readonlyPaths).toContain("/proc/sys");
  expect(Object.keys(linux.resources ?? {})).toEqual(["devices"]);
  expect(linux.devices).toBeUndefined();
  expect(linux.seccomp).toBeUndefined();
  expect(linux.rootfsPropagation).toBeUndefined();
});

test("what is asked for wins over the image", () => {
  const { spec, process, extras } = made(
    {
      user: "1000:",
      workdir: "/w/./x",
      env: { APP: "2", NEW: "3" },
      stopSignal: 9,
      labels: { b: "asked", c: "asked" },
      hostname: "web",
      domainname: "example.org",
      readOnly: true,
      annotations: { key: "value" },
      groupAdd: ["audio", "44"],
      rootSwitch: "chroot",
      signalProxy: false,
      mounts: [{ type: "tmpfs", target: "/cache" }],
    },
    hostFacts,
    image,
  );
  expect(process.args).toEqual(["/entry", "sh"]);
  expect(process.cwd).toBe("/w/x");
  expect(process.env?.slice(1)).toEqual(["HOSTNAME=web", "APP=2", "NEW=3"]);
  expect(spec.root.readonly).toBe(true);
  expect([spec.hostname, spec.domainname]).toEqual(["web", "example.org"]);
  expect(spec.annotations).toEqual({ key: "value" });
  expect(extras).toMatchObject({
    user: "1000",
    groups: ["audio", "44"],
    stopSignal: 9,
    rootSwitch: "chroot",
    signalProxy: false,
    hostname: "web",
    domainname: "example.org",
    labels: { a: "image", b: "asked", c: "asked" },
  });
});

test("a root without an image has root, / and SIGTERM", () => {
  const { process, extras } = made({});
  expect(process.cwd).toBe("/");
  expect([extras.user, extras.stopSignal]).toEqual(["0", 15]);
});

test("the process as it is asked for", () => {
  const { process, extras } = made({
    tty: true,
    interactive: true,
    umask: 0o27,
    oomScoreAdj: -500,
    ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }],
    securityOpt: {
      noNewPrivileges: true,
      apparmor: "mine",
      labels: ["type:x"],
      seccomp: "unconfined",
    },
    capDrop: ["ALL"],
    capAdd: ["net_admin"],
    init: true,
  });
  expect(process.terminal).toBe(true);
  expect(process.env).toContain("TERM=xterm");
  expect(process.user).toEqual({ uid: 0, gid: 0, umask: 0o27 });
  expect(process.oomScoreAdj).toBe(-500);
  expect(process.rlimits).toEqual([{ type: "RLIMIT_NOFILE", soft: 1024n, hard: 2048n }]);
  expect(process.noNewPrivileges).toBe(true);
  expect(process.apparmorProfile).toBe("mine");
  expect(process.capabilities).toEqual({
    bounding: ["CAP_NET_ADMIN"],
    effective: ["CAP_NET_ADMIN"],
    permitted: ["CAP_NET_ADMIN"],
  });
  expect(extras).toMatchObject({
    tty: true,
    interactive: true,
    init: true,
    seccomp: "unconfined",
    selinux: ["type:x"],
  });
});

test("a privileged container", () => {
  const { linux, extras, process } = made({ privileged: true });
  expect(process.capabilities?.bounding).toEqual(hostFacts.capabilities);
  expect(linux.maskedPaths).toBeUndefined();
  expect(linux.readonlyPaths).toBeUndefined();
  expect(linux.resources?.devices).toEqual([{ allow: true, access: "rwm" }]);
  expect(extras.seccomp).toBe("unconfined");
  expect(made({ privileged: true, securityOpt: { seccomp: "default" } }).extras.seccomp).toBe(
    "default",
  );
});

test("a filter of one's own is handed on as it is", () => {
  const profile = { defaultAction: "SCMP_ACT_ALLOW" };
  expect(made({ securityOpt: { seccomp: profile } }).extras.seccomp).toBe(profile);
});

test("init needs a pid namespace of the container's own", () => {
  const { extras } = made({ init: true, pid: "host" });
  expect(extras.init).toBe(false);
  expect(extras.warnings).toEqual([
    "--init is left out: the container has no pid namespace of its own",
  ]);
});

test("names and addresses for the files in /etc", () => {
  const options = {
    dns: ["192.0.2.53"],
    dnsSearch: ["example.org"],
    dnsOptions: ["ndots:2"],
    addHosts: [{ name: "db", address: "::1" }],
  };
  expect(made(options).extras).toMatchObject({
    dns: { servers: ["192.0.2.53"], search: ["example.org"], options: ["ndots:2"] },
    hosts: [{ name: "db", address: "::1" }],
  });
});

test("clocks that are ahead or behind", () => {
  const { linux } = made({ timeOffsets: { boottime: 86_400, monotonic: -1.25 } });
  expect(linux.namespaces?.at(-1)).toEqual({ type: "time" });
  expect(linux.timeOffsets).toEqual({
    boottime: { secs: 86_400n },
    monotonic: { secs: -2n, nanosecs: 750_000_000 },
  });
  expect(made({ timeOffsets: { boottime: 2.3 } }).linux.timeOffsets).toEqual({
    boottime: { secs: 2n, nanosecs: 300_000_000 },
  });
  expect(made({ timeOffsets: {} }).linux.timeOffsets).toBeUndefined();
  expect(linesOf({ timeOffsets: { monotonic: Number.NaN } })).toEqual([
    'invalid argument "NaN" for "--time-offset": it is a number of seconds',
  ]);
  expect(linesOf({ timeOffsets: { monotonic: 1 } }, { ...hostFacts, kernel: [5, 5] })).toEqual([
    "--time-offset: time namespaces need Linux 5.6",
  ]);
});

test("kernel settings come over the default ones", () => {
  const { linux } = made({
    sysctls: { "net.ipv4.ip_unprivileged_port_start": "1024", "kernel.msgmax": "1" },
  });
  expect({ ...linux.sysctl }).toEqual({
    "net.ipv4.ping_group_range": "0 2147483647",
    "net.ipv4.ip_unprivileged_port_start": "1024",
    "kernel.msgmax": "1",
  });
});

test("settings of a namespace that is the host's are refused", () => {
  const sysctls = { "net.ipv4.ip_forward": "1", "kernel.msgmax": "1", "kernel.domainname": "a" };
  expect(linesOf({ sysctls, network: "host", ipc: "host", uts: "host" })).toEqual([
    `invalid argument "net.ipv4.ip_forward=1" for "--sysctl": sysctl net.ipv4.ip_forward is not allowed in the host's network namespace`,
    `invalid argument "kernel.msgmax=1" for "--sysctl": sysctl kernel.msgmax is not allowed in the host's ipc namespace`,
    `invalid argument "kernel.domainname=a" for "--sysctl": sysctl kernel.domainname is not allowed in the host's uts namespace`,
  ]);
});

test("everything that is wrong is found at once", () => {
  const { problems } = Object.assign(
    { problems: [] },
    containerSpec(
      { User: "-1", StopSignal: "NOPE", WorkingDir: "srv" },
      [],
      {
        name: "-x",
        hostname: "a_b",
        domainname: "",
        groupAdd: ["a:b"],
        umask: 0o1000,
        oomScoreAdj: 1001,
        dns: ["x"],
        dnsSearch: [""],
        dnsOptions: ["a b"],
        addHosts: [{ name: "a", address: "b" }],
        sysctls: { "vm.swappiness": "1" },
        ulimits: [{ name: "nofile", soft: 2, hard: 1 }],
        shmSize: -1,
      },
      hostFacts,
    ),
  ) as { problems: readonly { option: string; received: string | null }[] };
  expect(problems.map(({ option, received }) => [option, received])).toEqual([
    ["-h, --hostname", "a_b"],
    ["--domainname", ""],
    ["--shm-size", "-1"],
    ["COMMAND", null],
    ["--ulimit", "nofile=2:1"],
    ["--oom-score-adj", "1001"],
    ["--umask", "512"],
    ["IMAGE", "srv"],
    ["--sysctl", "vm.swappiness=1"],
    ["--name", "-x"],
    ["IMAGE", "-1"],
    ["--group-add", "a:b"],
    ["IMAGE", "NOPE"],
    ["--dns", "x"],
    ["--dns-search", ""],
    ["--dns-option", "a b"],
    ["--add-host", "a:b"],
  ]);
});

test("no command is a problem in words", () => {
  const result = containerSpec({ Entrypoint: ["/entry"] }, [], { entrypoint: [""] }, hostFacts);
  expect(result).toEqual({
    ok: false,
    problems: [
      {
        option: "COMMAND",
        received: null,
        reason: "no command specified, and the image has none",
      },
    ],
  });
});

test("most containers need no further facts", () => {
  expect(neededFacts({ privileged: false, network: "host" })).toEqual({
    devices: [],
    hostDevices: false,
    containers: [],
    shm: false,
    cpus: false,
    swapLimit: false,
  });
  expect(
    neededFacts({
      privileged: true,
      devices: [{ source: "/dev/fuse" }],
      deviceReadBps: [{ path: "/dev/sda", rate: 1 }],
      blkioWeightDevice: [{ path: "/dev/sda", weight: 10 }],
      pid: { container: "a" },
      network: { container: "b" },
      uts: { container: "a" },
      userns: { path: "/x" },
      ipc: "shareable",
      cpus: 1,
      memory: 1,
    }),
  ).toEqual({
    devices: ["/dev/fuse", "/dev/sda"],
    hostDevices: true,
    containers: ["a", "b"],
    shm: true,
    cpus: true,
    swapLimit: true,
  });
});

test("the configuration survives being written and read", () => {
  const { spec } = made({
    memory: 2n ** 60n,
    mounts: [{ type: "bind", source: "/a", target: "/b" }],
  });
  const read = parseSpec(writeJson(spec));
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  expect(read.spec).toEqual(spec);
  expect(read.warnings).toEqual([]);
});
