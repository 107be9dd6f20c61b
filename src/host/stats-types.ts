// What `events` tells of a container, in the words and units of runc (its types/events.go): engines
// read it. Numbers of 64 bits are bigints; what is 0 is left out where runc leaves it out.

export type Stats = {
  readonly cpu: CpuStats;
  readonly cpuset: Readonly<Record<string, bigint | readonly number[]>>;
  readonly memory: MemoryStats;
  readonly pids: { readonly current?: bigint; readonly limit?: bigint };
  readonly blkio: BlkioStats;
  /** By page size. */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  /** Empty: there is no resctrl here. */
  readonly intel_rdt: Readonly<Record<string, never>>;
  /** Engines make the interfaces, and count them themselves. */
  readonly network_interfaces: null;
};

export type CpuStats = {
  /** Nanoseconds. */
  readonly usage: {
    readonly total?: bigint;
    readonly percpu?: readonly bigint[];
    readonly percpu_kernel?: readonly bigint[];
    readonly percpu_user?: readonly bigint[];
    readonly kernel: bigint;
    readonly user: bigint;
  };
  readonly throttling: {
    readonly periods?: bigint;
    readonly throttledPeriods?: bigint;
    /** Nanoseconds. */
    readonly throttledTime?: bigint;
  };
  readonly psi?: Pressure;
};

/** Bytes; memory and swap together in `swap`, whatever the version of cgroups. */
export type MemoryStats = {
  readonly cache?: bigint;
  readonly usage: MemoryEntry;
  readonly swap: MemoryEntry;
  readonly kernel: MemoryEntry;
  readonly kernelTCP: MemoryEntry;
  /** `memory.stat`. */
  readonly raw?: Readonly<Record<string, bigint>>;
  readonly psi?: Pressure;
};

export type MemoryEntry = {
  readonly limit: bigint;
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
};

export type BlkioEntry = {
  readonly major?: bigint;
  readonly minor?: bigint;
  readonly op?: string;
  readonly value?: bigint;
};

/** Each table by its name in runc, which is not always that of its file. */
export type BlkioStats = {
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[];
  readonly ioServicedRecursive?: readonly BlkioEntry[];
  readonly ioQueueRecursive?: readonly BlkioEntry[];
  readonly ioServiceTimeRecursive?: readonly BlkioEntry[];
  readonly ioWaitTimeRecursive?: readonly BlkioEntry[];
  readonly ioMergedRecursive?: readonly BlkioEntry[];
  readonly ioTimeRecursive?: readonly BlkioEntry[];
  readonly sectorsRecursive?: readonly BlkioEntry[];
  readonly psi?: Pressure;
};

export type HugetlbStats = {
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
};

/** Pressure stall information: percent of the time, and microseconds. */
export type Pressure = {
  readonly some: PressureLine;
  readonly full: PressureLine;
};

export type PressureLine = {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
};

type WithoutEmpty<T> = { readonly [K in keyof T]?: T[K] };

/** Leaves out what is 0 or empty, as runc does with most fields. */
export function withoutEmpty<T extends Readonly<Record<string, unknown>>>(all: T): WithoutEmpty<T> {
  const isFilled = (value: unknown): boolean =>
    value !== 0n && value !== "" && value !== undefined && !(Array.isArray(value) && !value.length);
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => isFilled(value)),
  ) as WithoutEmpty<T>;
}
