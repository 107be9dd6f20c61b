// All limits of a configuration, by the file of each kind.

import type { CgroupLayout } from "../planner/facts.ts";
import type { LinuxResources } from "../spec/mod.ts";
import { addBlockIO, type IoWeightFile } from "./block-io.ts";
import { addHugepages, addNetwork, addPids, addRdma } from "./counted.ts";
import { addCpu } from "./cpu.ts";
import type { Limits } from "./limits.ts";
import { addMemory } from "./memory.ts";
import { addUnified } from "./unified.ts";

/** Adds every limit; device rules, which are no limits, are left out. */
export function addLimits(
  resources: LinuxResources,
  limits: Limits,
  layout: CgroupLayout,
  ioWeight: IoWeightFile,
): void {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified } = resources;
  if (memory !== undefined) addMemory(memory, limits);
  if (cpu !== undefined) addCpu(cpu, limits);
  if (pids !== undefined) addPids(pids, limits);
  if (blockIO !== undefined) addBlockIO(blockIO, limits, ioWeight);
  if (hugepageLimits !== undefined) addHugepages(hugepageLimits, limits);
  if (network !== undefined) addNetwork(network, limits);
  if (rdma !== undefined) addRdma(rdma, limits);
  if (unified !== undefined) addUnified(unified, limits, layout);
}
