/**
 * From a wish for a container to its plan: finds the image, gathers facts, makes the configuration
 * and plans it. Nothing is made but what belongs to the store of images.
 */

import type { EventSubject } from "../engine/events.ts";
import type { EngineOptions, ImageHealth } from "../engine/options.ts";
import { readAskedFacts } from "../host/asked.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import type { ImportProgress } from "../image/import.ts";
import type { Platform } from "../image/manifest.ts";
import { layerPath, openStore, referencePath } from "../image/store.ts";
import { checkNetwork } from "../network/check.ts";
import type { Connected } from "../network/connect.ts";
import { missingWarning, settleMode } from "../network/default-mode.ts";
import { howToInstall, isRootless, noBridge, whyNoPasta } from "../network/installed.ts";
import { containerSpec } from "../options/container-spec.ts";
import type { ContainerExtras } from "../options/extras.ts";
import type { IdMappings } from "../options/facts.ts";
import type { ImageConfig } from "../options/image-config.ts";
import { hasMaps } from "../options/namespaces.ts";
import type { RunOptions } from "../options/options.ts";
import { formatOptionProblem } from "../options/problem.ts";
import { hasVolumes } from "../options/settle-volumes.ts";
import type { Plan } from "../plan/op.ts";
import type { Facts, StreamFact } from "../planner/facts.ts";
import { planContainer } from "../planner/plan.ts";
import type { Monitor, RootSource, Setting, UsersSetting } from "../planner/setting.ts";
import type { Spec } from "../spec/mod.ts";
import { baseLayer } from "./base-layer.ts";
import { bundleWish } from "./bundle.ts";
import { filterFor } from "./filter.ts";
import { findImage, type PullImage, type PullPolicy } from "./find-image.ts";
import { gatherContainerFacts } from "./gather.ts";
import { newId } from "./identity.ts";
import { type ContainerRecord, encodeRecord, nameOf, type RecordedSource } from "./record.ts";
import { recordContainer } from "./record-container.ts";
import { planOwnResources } from "./resources.ts";
import { checkRootDirectory } from "./root-directory.ts";
import type { Roots } from "./roots.ts";
import { hasReachableServers, resolverSetting, stateFiles, upstreamText } from "./state-files.ts";
import { chooseStreams, ownStreams, watchedStreams } from "./streams.ts";
import { copiedOf } from "./upper-file-system.ts";
import type { Users } from "./users.ts";
import { WishError } from "./wish-error.ts";

/** What the root is made of. */
export type Source =
  | { readonly kind: "image"; readonly reference: string }
  /** An image as it was when a container was first made of it. */
  | Extract<RecordedSource, { kind: "stored" }>
  | { readonly kind: "rootfs"; readonly directory: string; readonly readonly: boolean }
  /** A directory with a config.json, which then says everything else too. */
  | { readonly kind: "bundle"; readonly directory: string };

export type ContainerWish = {
  readonly source: Source;
  /** Replaces the image's command; empty: it does not. */
  readonly command: readonly string[];
  readonly options: RunOptions;
  readonly roots: Roots;
  readonly cwd: string;
  /** What the executor's standard streams will be. */
  readonly streams: readonly [StreamFact, StreamFact, StreamFact];
  readonly pidFile?: string | null;
  /** End the container when the process that asked for it ends. */
  readonly endWithCaller: boolean;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** When the image is asked of its registry; `missing` unless given. */
  readonly pull?: PullPolicy;
  /** How it is pulled; without a word unless given. */
  readonly pullImage?: PullImage;
  /** The only one of the image that will do. */
  readonly platform?: Platform | undefined;
  /** Of a container that the engine is to watch over, in place of the caller. */
  readonly engine?: EngineView;
  /** The ids that it was given when it was made, if it has any of its own. */
  readonly idMappings?: IdMappings | null;
  /** It is not started from this plan: nothing is taken for it from its networks. */
  readonly isOnlyMade?: boolean;
};

export type EngineView = {
  readonly id: string;
  /** What the engine is to do for it, once it is known what the image says. */
  readonly options: (image: ImageHealth | undefined) => EngineOptions;
  readonly monitor: (id: string, options: EngineOptions, of: EventSubject) => Monitor;
};

export type PreparedContainer = {
  readonly id: string;
  readonly record: ContainerRecord;
  readonly plan: Plan;
  readonly warnings: readonly string[];
  readonly spec: Spec;
  readonly facts: Facts;
  /** Files and directories of the store that the plan was made from. */
  readonly sources: readonly string[];
  /** It has volumes. */
  readonly hasVolumes: boolean;
  /** What is planned holds for this container alone. */
  readonly isUnique: boolean;
  /** Gives back what was taken for a plan that nobody carries out. */
  readonly release: () => void;
};

/** A configuration, and where its root comes from. */
export type DescribedContainer = {
  readonly source: RecordedSource;
  readonly spec: Spec;
  readonly root: RootSource;
  readonly extras: ContainerExtras;
  readonly image: string;
  /** `USER[:GROUP]` to look up inside; null: the configuration's numbers. */
  readonly user: string | null;
  readonly sources: readonly string[];
  /** As they are after all volumes have got their names. */
  readonly options: RunOptions;
  /** Of a user namespace of its own; null: there is none. */
  readonly users: Users | null;
  /** Files with the processes of containers of which namespaces are taken. */
  readonly joined: readonly string[];
};

type FoundRoot = {
  readonly recorded: Exclude<RecordedSource, { kind: "bundle" }>;
  readonly root: RootSource;
  readonly config: ImageConfig | null;
  readonly sources: readonly string[];
};

/** The image of a container, or the directory that it is to be in. */
async function findRoot(
  source: Exclude<Source, { kind: "bundle" }>,
  { roots, cwd, onProgress, pull, pullImage, platform }: ContainerWish,
  id: string,
): Promise<FoundRoot> {
  const store = openStore(roots.dataRoot);
  const overlay = (layers: readonly string[]) => {
    const copied = copiedOf(roots.dataRoot, id);
    return { kind: "overlay", layers, ...(copied === undefined ? {} : { copied }) } as const;
  };
  const layersOf = (layers: readonly string[]) => [baseLayer(roots.dataRoot), ...layers];
  if (source.kind === "stored") {
    const layers = layersOf(source.chainIds.map((chain) => layerPath(store, chain)));
    const root = overlay(layers);
    return { recorded: source, root, config: source.config, sources: [] };
  }
  if (source.kind === "rootfs") {
    checkRootDirectory(source.directory, "--rootfs");
    const root = { kind: "directory", path: source.directory } as const;
    return { recorded: source, root, config: null, sources: [] };
  }
  const found = findImage({
    store,
    reference: source.reference,
    cwd,
    platform,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(pull === undefined ? {} : { pull }),
    ...(pullImage === undefined ? {} : { pullImage }),
  });
  const {
    reference,
    digest,
    id: imageId,
    config,
    layers,
  } = found instanceof Promise ? await found : found;
  const chainIds = layers.map((path) => path.slice(path.lastIndexOf("/") + 1));
  const root = overlay(layersOf(layers));
  return {
    recorded: { kind: "stored", reference, digest, id: imageId, config: config.config, chainIds },
    root,
    config: config.config,
    sources: [referencePath(store, reference), ...root.layers],
  };
}

/** Who shares another container's network may be held to that one's egress list. */
async function sharedOptions({ options, roots }: ContainerWish): Promise<RunOptions> {
  if (typeof options.network !== "object" || !("container" in options.network)) return options;
  return (await import("./egress-holder.ts")).heldToList(options, roots.runRoot);
}

async function describeContainer(
  wish: ContainerWish,
  id: string,
  facts: Facts,
): Promise<DescribedContainer> {
  const { source } = wish;
  const options = await sharedOptions(wish);
  if (source.kind === "bundle") {
    return { source, options, users: null, joined: [], ...bundleWish(source.directory, options) };
  }
  const found = await findRoot(source, wish, id);
  // Only now: what is taken is nobody's again after a minute, and a pull may take longer.
  const users = await usersOf(wish, facts, id);
  try {
    return await describeFound({ ...wish, options }, source, found, { id, facts, users });
  } catch (error) {
    users?.release();
    throw error;
  }
}

async function describeFound(
  { roots, options, command }: ContainerWish,
  source: Exclude<Source, { kind: "bundle" }>,
  { recorded, root, config, sources }: FoundRoot,
  { id, facts, users }: Omit<Described, "connected">,
): Promise<DescribedContainer> {
  const image = recorded.kind === "stored" ? recorded.reference : recorded.directory;
  const readOnly = options.readOnly === true || (source.kind === "rootfs" && source.readonly);
  const settled = hasVolumes(config, options)
    ? await (await import("./volumes.ts")).settle(config, options, roots)
    : { options, facts: null };
  const gathered = gatherContainerFacts({
    id,
    root: `${roots.runRoot}/${id}`,
    runRoot: roots.runRoot,
    options,
    facts,
    volumes: settled.facts,
  });
  const made = containerSpec(
    config,
    command,
    {
      ...settled.options,
      user: settled.options.user ?? users?.user ?? undefined,
      readOnly,
      cgroupns: options.cgroupns ?? "private",
      network: settleMode(options.network),
    },
    { ...gathered, idMappings: users?.maps ?? undefined },
  );
  if (!made.ok) throw new WishError(made.problems.map(formatOptionProblem));
  const { spec, extras } = made;
  const joined = Object.values(gathered.containers ?? {}).flatMap(({ file }) => file ?? []);
  const of = { source: recorded, spec, root, extras, image, user: extras.user, sources };
  return { ...of, options: settled.options, users, joined };
}

/** The launcher has made who calls it root of something: this is somebody's who uses the library. */
function findRefusals({ uid, capabilities }: Facts): string[] {
  if (uid === 0 && capabilities.includes("CAP_SYS_ADMIN")) return [];
  const who = uid === 0 ? "this root has no CAP_SYS_ADMIN, as in another container: " : "";
  return [`${who}the library runs containers as root, or below \`pivot unshare\``];
}

type Connections = {
  readonly connected: Connected | null;
  readonly warnings: readonly string[];
  /** Among them one that is said only once. */
  readonly isTold: boolean;
};

/** A bundle's own configuration says which namespace it has, and that is all. */
async function connectionsOf(
  { options, extras, source }: DescribedContainer,
  { roots, options: asked, isOnlyMade }: ContainerWish,
  id: string,
): Promise<Connections> {
  if (source.kind === "bundle") return { connected: null, warnings: [], isTold: false };
  const { network } = extras;
  const isAsked = asked.network !== undefined || (process.env["PIVOT_NETWORK"] ?? "") !== "";
  const missing = missingWarning(asked.network, roots);
  const publishes = (options.publish ?? []).length > 0 || options.publishAll === true;
  if (publishes && network === "none" && !isAsked) {
    throw new WishError([`-p: ${isRootless() ? (whyNoPasta() ?? noBridge) : howToInstall}`]);
  }
  const { problems, warnings } = checkNetwork(network, options, isAsked);
  if (problems.length > 0) throw new WishError(problems);
  const all = [...warnings, ...(missing === null ? [] : [missing])];
  const nothing = { connected: null, warnings: all, isTold: missing !== null };
  if (isOnlyMade === true || typeof network !== "object") return nothing;
  const image = source.kind === "stored" ? (source.config.ExposedPorts ?? []) : [];
  if ("pasta" in network) {
    const { connectByPasta } = await import("../network/pasta.ts");
    const of = { roots, id, hasServers: hasReachableServers() };
    const connected = await connectByPasta(network.pasta, options, image, of);
    return { connected, warnings: all, isTold: false };
  }
  if (!("network" in network)) return nothing;
  if (isRootless()) throw new WishError([`--network ${network.network}: ${noBridge}`]);
  const { connectContainer, wantedNetworks } = await import("../network/connect.ts");
  const name = nameOf({ id, name: options.name ?? null });
  const wishes = wantedNetworks(network, options);
  const connected = await connectContainer(wishes, options, image, { roots, id, name });
  return { connected, warnings: [...all, ...connected.warnings], isTold: false };
}

async function egressOf({ extras }: DescribedContainer, connected: Connected) {
  if (extras.egress === null) return null;
  const { egressSetting } = await import("../network/egress.ts");
  return egressSetting(extras.egress, upstreamText({ extras }, connected));
}

async function volumesOf({ extras }: DescribedContainer, { roots, options }: ContainerWish) {
  if (extras.volumes.length === 0) return [];
  const { volumeSettings } = await import("./volumes.ts");
  return volumeSettings(extras.volumes, roots, options.rm === true);
}

const healthOf = (source: RecordedSource): ImageHealth | undefined =>
  source.kind === "stored"
    ? (source.config as { readonly Healthcheck?: ImageHealth }).Healthcheck
    : undefined;

/**
 * Plans a container.
 *
 * @throws WishError with every problem; ImageError
 */
export async function prepareContainer(wish: ContainerWish): Promise<PreparedContainer> {
  const facts = readFacts(readCgroupLayout(), wish.streams);
  const refusals = findRefusals(facts);
  if (refusals.length > 0) throw new WishError(refusals);
  const id = wish.engine?.id ?? newId();
  const described = await describeContainer(wish, id, facts);
  const { users } = described;
  let release = users?.release ?? (() => {});
  try {
    const { connected, warnings, isTold } = await connectionsOf(described, wish, id);
    const releaseUsers = release;
    release = () => {
      connected?.release();
      releaseUsers();
    };
    const prepared = await planDescribed(wish, described, { id, facts, connected, users });
    const isUnique = prepared.isUnique || connected !== null || isTold || users !== null;
    const all = [...(users?.warnings ?? []), ...warnings, ...prepared.warnings];
    return { ...prepared, warnings: all, isUnique, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** The ids of a container that asks for a user namespace of its own; null: it does not. */
async function usersOf(
  { options, roots, idMappings }: ContainerWish,
  { uid, userNamespace }: Facts,
  id: string,
): Promise<Users | null> {
  const { userns } = options;
  const isAsked = (userns !== undefined && userns !== "host") || hasMaps(options);
  if (!isAsked || uid !== 0) return null;
  const { settleUsers } = await import("./users.ts");
  const own = userNamespace ?? null;
  return settleUsers({ options, roots, id, recorded: idMappings ?? null, own });
}

/** How its files get the owners that they have inside; null: it has no user namespace. */
async function usersSettingOf(
  { spec, root, source }: DescribedContainer,
  { facts, users, id }: Described,
  { dataRoot }: Roots,
): Promise<UsersSetting | null> {
  const own = spec.linux?.namespaces?.find(({ type }) => type === "user");
  if (own === undefined || source.kind === "bundle" || facts.uid !== 0) return null;
  const { usersSetting } = await import("./users-setting.ts");
  return usersSetting({ isJoined: own.path !== undefined, root, dataRoot, id, users }, facts);
}

type Described = {
  readonly id: string;
  readonly facts: Facts;
  readonly connected: Connected | null;
  readonly users: Users | null;
};

/** @param settings that were asked for by nobody */
const withSysctls = (spec: Spec, settings: Readonly<Record<string, string>>): Spec => ({
  ...spec,
  linux: { ...spec.linux, sysctl: { ...settings, ...spec.linux?.sysctl } },
});

async function planDescribed(
  wish: ContainerWish,
  described: DescribedContainer,
  { id, facts, connected, users }: Described,
): Promise<Omit<PreparedContainer, "release">> {
  const { extras } = described;
  const spec = withSysctls(described.spec, connected?.sysctls ?? {});
  const { cgroup, isUnique: isScoped } = await planOwnResources(spec, id, facts);
  const keep = wish.options.rm !== true;
  const engine = wish.engine?.options(healthOf(described.source)) ?? null;
  const record = recordContainer(wish, { id, engine, cgroups: cgroup.paths }, described);
  const streams = engine === null ? chooseStreams(extras, wish.streams) : watchedStreams(extras);
  const usersSetting = await usersSettingOf(described, { id, facts, connected, users }, wish.roots);
  const setting: Setting = {
    id,
    ...wish.roots,
    name: wish.options.name ?? null,
    root: described.root,
    user: described.user,
    groups: extras.groups,
    files: stateFiles(described, { runRoot: wish.roots.runRoot, connected }),
    network: connected?.setting ?? null,
    users: usersSetting,
    egress: connected === null ? null : await egressOf(described, connected),
    resolver: resolverSetting(described, connected),
    joined: described.joined,
    volumes: await volumesOf(described, wish),
    makeDirectories: extras.createSources,
    chown: extras.chown,
    streams: usersSetting === null ? streams : ownStreams(streams),
    terminalInput: extras.interactive,
    init: extras.init,
    rootSwitch: extras.rootSwitch,
    keep,
    seccomp: await filterFor(extras.seccomp, spec.process?.capabilities?.bounding ?? [], facts),
    state: `${encodeRecord(record)}\n`,
    pidFile: wish.pidFile ?? null,
    passSignals: extras.signalProxy,
    endWithCaller: wish.endWithCaller,
    lifetime: "supervised",
    monitor:
      (engine === null
        ? null
        : wish.engine?.monitor(id, engine, { ...record, name: nameOf(record) })) ?? null,
    consoleSocket: null,
    preserveFds: 0,
    keptPlans: [],
    bundle:
      wish.source.kind === "bundle" ? { directory: wish.source.directory, config: null } : null,
  };
  const asked = { ...facts, ...readAskedFacts(spec, id) };
  const planned = planContainer(spec, setting, asked, cgroup);
  if (!planned.ok) throw new WishError(planned.problems);
  const warnings = [
    ...extras.warnings,
    ...cgroup.warnings,
    ...planned.warnings,
    ...(usersSetting?.owners === "copied" && described.root.kind === "directory"
      ? ["--rootfs: its file system cannot show other owners: inside they are as on the disk"]
      : []),
  ];
  const { sources } = described;
  const volumes = extras.volumes.length > 0;
  const isUnique = volumes || isScoped;
  const { plan } = planned;
  return { id, record, plan, warnings, spec, facts, sources, hasVolumes: volumes, isUnique };
}
