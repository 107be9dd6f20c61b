import { expect, test } from "bun:test";
import { namespaceOf } from "../spec/mod.ts";
import { parseSysctl } from "./sysctl.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["net.ipv4.ip_forward=1", "net.ipv4.ip_forward", "1", "network"],
  ["net.ipv4.conf.eth-0.forwarding=0", "net.ipv4.conf.eth-0.forwarding", "0", "network"],
  ["kernel.sem=250 32000 32 128", "kernel.sem", "250 32000 32 128", "ipc"],
  ["kernel.shm_rmid_forced=1", "kernel.shm_rmid_forced", "1", "ipc"],
  ["fs.mqueue.msg_max=5", "fs.mqueue.msg_max", "5", "ipc"],
  ["kernel.domainname=a=b", "kernel.domainname", "a=b", "uts"],
])("%s", (given, name, value, namespace) => {
  expect(outcome(parseSysctl(given))).toEqual([name, value]);
  expect<unknown>(namespaceOf(name)).toBe(namespace);
});

const shape =
  "a name is made of letters, digits, _ and -, with single dots between: net.ipv4.ip_forward";
const whole = (name: string) =>
  `sysctl ${name} is not allowed: it is not in a separate kernel namespace, and holds for the whole machine`;

test.each([
  ["", "it looks like NAME=value, such as net.ipv4.ip_forward=1"],
  ["net.ipv4.ip_forward", "it looks like NAME=value, such as net.ipv4.ip_forward=1"],
  ["=1", "it looks like NAME=value, such as net.ipv4.ip_forward=1"],
  ["kernel.panic=1", whole("kernel.panic")],
  ["vm.swappiness=1", whole("vm.swappiness")],
  ["kernel.shm_next_id=1", whole("kernel.shm_next_id")],
  ["netx.a=1", whole("netx.a")],
  ["kernel.hostname=a", "kernel.hostname has an option of its own: --hostname"],
  ["net..ipv4=1", shape],
  ["net.ipv4./kernel=1", shape],
  ["net/ipv4/ip_forward=1", shape],
  ["net.a+kernel.core_pattern=|/x", shape],
  ["net.a=1\nkernel.panic=1", "the value is a single line"],
])("%p is refused", (given, reason) => {
  expect(outcome(parseSysctl(given))).toBe(
    `invalid argument ${JSON.stringify(given)} for "--sysctl": ${reason}`,
  );
});
