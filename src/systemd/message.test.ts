import { expect, test } from "bun:test";
import {
  array,
  bool,
  type Call,
  marshalCall,
  signatureOf,
  struct,
  text,
  u64,
  type Value,
  variant,
} from "./message.ts";

const manager = (member: string, ...body: readonly Value[]): Call => ({
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
  member,
  body,
});

const property = (name: string, value: Value): Value => struct(text(name), variant(value));

/** What `busctl call` of systemd 252 has sent for the same calls, but for its flag "may ask people". */
const golden = {
  reset:
    "6c01040117000000020000009f00000001016f00190000002f6f72672f667265656465736b746f702f737973" +
    "74656d643100000000000000030173000f00000052657365744661696c6564556e6974000201730020000000" +
    "6f72672e667265656465736b746f702e73797374656d64312e4d616e61676572000000000000000006017300" +
    "180000006f72672e667265656465736b746f702e73797374656d643100000000000000000801670001730000" +
    "120000007069766f742d615c783262622e73636f706500",
  start:
    "6c010401b001000002000000b600000001016f00190000002f6f72672f667265656465736b746f702f737973" +
    "74656d643100000000000000030173001200000053746172745472616e7369656e74556e6974000000000000" +
    "02017300200000006f72672e667265656465736b746f702e73797374656d64312e4d616e6167657200000000" +
    "0000000006017300180000006f72672e667265656465736b746f702e73797374656d64310000000000000000" +
    "0801670010737361287376296128736128737629290000000e0000007069766f742dc3a92e73636f70650000" +
    "070000007265706c6163650080010000000000000b0000004465736372697074696f6e00017300000b000000" +
    "6120636f6e7461696e6572000000000005000000536c696365000173000000000c00000073797374656d2e73" +
    "6c69636500000000000000000800000044656c65676174650001620001000000000000000400000050494473" +
    "00026175000000000400000067120000090000004d656d6f72794d6178000174000000000000000000000004" +
    "000000000b000000416c6c6f7765644350557300026179000200000003800000000000000b00000044657669" +
    "6365416c6c6f7700056128737329000000000000000000000b000000446576696365416c6c6f770005612873" +
    "7329000032000000000000000d0000002f6465762f636861722f313a330000000300000072776d0000000000" +
    "06000000636861722d2a0000010000006d0000000000000012000000494f5265616442616e6477696474684d" +
    "61780005612873742900000020000000000000000e0000002f6465762f626c6f636b2f383a30000000000000" +
    "00001000000000000000000000000000",
  set:
    "6c0104018400000002000000ad00000001016f00190000002f6f72672f667265656465736b746f702f737973" +
    "74656d6431000000000000000301730011000000536574556e697450726f7065727469657300000000000000" +
    "02017300200000006f72672e667265656465736b746f702e73797374656d64312e4d616e6167657200000000" +
    "0000000006017300180000006f72672e667265656465736b746f702e73797374656d64310000000000000000" +
    "0801670007736261287376290000000007000000612e73636f706500010000006c0000000000000001000000" +
    "580001790007000000000000010000005900016e0000fdff00000000010000005a0001640000000000000000" +
    "000000000000044001000000570001780000000000000000f7ffffffffffffff010000005600042873622900" +
    "00000000020000006869000001000000",
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const withoutFlags = (digits: string): string => `${digits.slice(0, 4)}00${digits.slice(6)}`;

test("a call is what busctl makes of it", () => {
  const call = manager("ResetFailedUnit", text("pivot-a\\x2bb.scope"));
  const serial = Number.parseInt(golden.reset.slice(16, 18), 16);
  expect(hex(marshalCall(call, serial).bytes)).toBe(withoutFlags(golden.reset));
});

test("a transient unit is what busctl makes of it, and its process is found", () => {
  const bytes = (...values: number[]) =>
    array(
      "y",
      values.map((value): Value => ({ type: "y", value })),
    );
  const call = manager(
    "StartTransientUnit",
    text("pivot-é.scope"),
    text("replace"),
    array("(sv)", [
      property("Description", text("a container")),
      property("Slice", text("system.slice")),
      property("Delegate", bool(true)),
      property("PIDs", array("u", [{ type: "process" }])),
      property("MemoryMax", u64(67108864n)),
      property("AllowedCPUs", bytes(3, 128)),
      property("DeviceAllow", array("(ss)", [])),
      property(
        "DeviceAllow",
        array("(ss)", [
          struct(text("/dev/char/1:3"), text("rwm")),
          struct(text("char-*"), text("m")),
        ]),
      ),
      property(
        "IOReadBandwidthMax",
        array("(st)", [struct(text("/dev/block/8:0"), u64(1048576n))]),
      ),
    ]),
    array("(sa(sv))", []),
  );
  const serial = Number.parseInt(golden.start.slice(16, 18), 16);
  const { bytes: made, processAt } = marshalCall(call, serial);
  const view = new DataView(made.buffer);
  expect(view.getUint32(processAt ?? 0, true)).toBe(0);
  view.setUint32(processAt ?? 0, 4711, true);
  expect(hex(made)).toBe(withoutFlags(golden.start));
});

test("values of every type are what busctl makes of them", () => {
  const call = manager(
    "SetUnitProperties",
    text("a.scope"),
    bool(true),
    array("(sv)", [
      property("X", { type: "y", value: 7 }),
      property("Y", { type: "n", value: -3 }),
      property("Z", { type: "d", value: 2.5 }),
      property("W", { type: "x", value: -9n }),
      property("V", struct(text("hi"), bool(true))),
    ]),
  );
  const serial = Number.parseInt(golden.set.slice(16, 18), 16);
  const made = marshalCall(call, serial);
  expect(hex(made.bytes)).toBe(withoutFlags(golden.set));
  expect(made.processAt).toBeNull();
});

test("a call without arguments has no signature", () => {
  const { bytes } = marshalCall(manager("Subscribe"), 1);
  expect(bytes.length % 8).toBe(0);
  expect(new DataView(bytes.buffer).getUint32(4, true)).toBe(0);
});

test("signatures", () => {
  expect(signatureOf(array("(sa(sv))", []))).toBe("a(sa(sv))");
  expect(signatureOf(struct(text(""), variant(u64(1n)), { type: "process" }))).toBe("(svu)");
});

test("text of every width of UTF-8", () => {
  const words = "aé€😀";
  const { bytes } = marshalCall(manager("X", text(words)), 1);
  expect(new TextDecoder().decode(bytes.slice(-11, -1))).toBe(words);
});
