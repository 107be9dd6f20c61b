// The Container Runtime Interface, as a kubelet speaks it: gRPC over HTTP/2 on a unix socket. Numbers
// of fields are those of k8s.io/cri-api/pkg/apis/runtime/v1/api.proto.

import { type ClientHttp2Session, connect as connectHTTP2 } from "node:http2";
import { connect as connectSocket } from "node:net";
import { encode, Fields, type Message } from "./protobuf.ts";

/** What an exec in a container came to. */
export type Executed = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type ContainerStatus = {
  readonly state: "created" | "running" | "exited" | "unknown";
  readonly exitCode: number;
  readonly reason: string;
};

export type SandboxSettings = {
  /** "pod": a network of its own, by CNI; "node": the host's. */
  readonly network: "pod" | "node";
  /** Whether containers share a pid namespace. */
  readonly sharesPids?: boolean;
};

export type ContainerSettings = {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly memoryLimit?: number;
  readonly user?: number;
  readonly isRootReadOnly?: boolean;
  readonly mounts?: readonly { readonly on: string; readonly from: string }[];
};

const modes = { pod: 0, container: 1, node: 2 } as const;

const namespaceOptions = ({ network, sharesPids }: SandboxSettings): Message => [
  [1, modes[network]],
  [2, sharesPids === true ? modes.pod : modes.container],
  [3, modes.pod],
];

function sandboxConfig(name: string, logs: string, settings: SandboxSettings): Message {
  const metadata: Message = [
    [1, name],
    [2, `uid-of-${name}`],
    [3, "tests"],
  ];
  return [
    [1, metadata],
    // A pod on the host's network keeps the host's name.
    ...(settings.network === "node" ? [] : [[2, `host-${name}`] as const]),
    [3, logs],
    [8, [[2, [[1, namespaceOptions(settings)]]]]],
  ];
}

const containerConfig = (settings: ContainerSettings, sandbox: SandboxSettings): Message => [
  [1, [[1, settings.name]]],
  [2, [[1, settings.image]]],
  ...settings.command.map((word) => [3, word] as const),
  [5, settings.workingDirectory ?? ""],
  ...Object.entries(settings.env ?? {}).map(
    ([key, value]) =>
      [
        6,
        [
          [1, key],
          [2, value],
        ],
      ] as const,
  ),
  ...(settings.mounts ?? []).map(
    ({ on, from }) =>
      [
        7,
        [
          [1, on],
          [2, from],
        ],
      ] as const,
  ),
  [11, `${settings.name}.log`],
  [
    15,
    [
      [1, [[4, settings.memoryLimit ?? 0]]],
      [
        2,
        [
          [3, namespaceOptions(sandbox)],
          ...(settings.user === undefined ? [] : [[5, [[1, settings.user]]] as const]),
          [7, settings.isRootReadOnly ?? false],
        ],
      ],
    ],
  ],
];

function answerTo(session: ClientHttp2Session, method: string, request: Message): Promise<Fields> {
  const { promise, resolve, reject } = Promise.withResolvers<Fields>();
  session.on("error", reject);
  const stream = session.request({
    ":method": "POST",
    ":path": `/runtime.v1.RuntimeService/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const chunks: Buffer[] = [];
  // The status comes after the answer; when there is none, with the first headers.
  const settle = (headers: Readonly<Record<string, unknown>>): void => {
    const status = headers["grpc-status"];
    if (status === undefined) return;
    const message = decodeURIComponent(String(headers["grpc-message"] ?? ""));
    if (String(status) === "0") resolve(new Fields(Buffer.concat(chunks).subarray(5)));
    else reject(new Error(`${method}: ${message}`));
  };
  stream.on("response", settle);
  stream.on("trailers", settle);
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", reject);
  stream.on("close", () => reject(new Error(`${method}: the stream was closed without a status`)));
  // A message is preceded by whether it is compressed, and its length.
  const body = encode(request);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  stream.end(Buffer.concat([head, body]));
  return promise;
}

/** The runtime service behind a socket. */
export class RuntimeService {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** One call, with its answer; a status that is not OK is an error with the server's words. */
  async #call(method: string, request: Message): Promise<Fields> {
    // A connection for each call: what goes wrong with one does not reach the next.
    const session = connectHTTP2("http://localhost", {
      createConnection: () => connectSocket(this.#socket),
    });
    try {
      return await answerTo(session, method, request);
    } finally {
      session.destroy();
    }
  }

  async version(): Promise<string> {
    const answer = await this.#call("Version", []);
    return `${answer.text(2)} ${answer.text(3)}`;
  }

  async runSandbox(name: string, logs: string, settings: SandboxSettings): Promise<Sandbox> {
    const config = sandboxConfig(name, logs, settings);
    const id = (await this.#call("RunPodSandbox", [[1, config]])).text(1);
    return { id, config, settings };
  }

  async sandboxIsReady(id: string): Promise<boolean> {
    const answer = await this.#call("PodSandboxStatus", [[1, id]]);
    return answer.message(1).number(3) === 0;
  }

  /** The address that CNI gave to a sandbox. */
  async sandboxAddress(id: string): Promise<string> {
    const answer = await this.#call("PodSandboxStatus", [[1, id]]);
    return answer.message(1).message(5).text(1);
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#call("StopPodSandbox", [[1, id]]);
    await this.#call("RemovePodSandbox", [[1, id]]);
  }

  async createContainer(sandbox: Sandbox, settings: ContainerSettings): Promise<string> {
    const answer = await this.#call("CreateContainer", [
      [1, sandbox.id],
      [2, containerConfig(settings, sandbox.settings)],
      [3, sandbox.config],
    ]);
    return answer.text(1);
  }

  async startContainer(id: string): Promise<void> {
    await this.#call("StartContainer", [[1, id]]);
  }

  /** Asks it to end, and kills it after so many seconds. */
  async stopContainer(id: string, seconds: number): Promise<void> {
    await this.#call("StopContainer", [
      [1, id],
      [2, seconds],
    ]);
  }

  async removeContainer(id: string): Promise<void> {
    await this.#call("RemoveContainer", [[1, id]]);
  }

  async containerStatus(id: string): Promise<ContainerStatus> {
    const status = (await this.#call("ContainerStatus", [[1, id]])).message(1);
    const states = ["created", "running", "exited", "unknown"] as const;
    const state = states[status.number(3)] ?? "unknown";
    return { state, exitCode: status.number(7), reason: status.text(10) };
  }

  /** The pid of a container's first process, which only the verbose answer tells. */
  async containerPid(id: string): Promise<number> {
    const answer = await this.#call("ContainerStatus", [
      [1, id],
      [2, true],
    ]);
    const entry = answer.messages(2).find((each) => each.text(1) === "info");
    return (JSON.parse(entry?.text(2) ?? "{}") as { pid?: number }).pid ?? 0;
  }

  async exec(id: string, words: readonly string[], seconds = 10): Promise<Executed> {
    const command = words.map((word) => [2, word] as const);
    const answer = await this.#call("ExecSync", [[1, id], ...command, [3, seconds]]);
    return { code: answer.number(3), stdout: answer.text(1), stderr: answer.text(2) };
  }

  async setMemoryLimit(id: string, bytes: number): Promise<void> {
    await this.#call("UpdateContainerResources", [
      [1, id],
      [2, [[4, bytes]]],
    ]);
  }

  /** Bytes of the container's memory that are in use. */
  async memoryInUse(id: string): Promise<number> {
    const stats = (await this.#call("ContainerStats", [[1, id]])).message(1);
    return stats.message(3).message(2).number(1);
  }
}

/** A pod, and what it was made with: the CRI wants that again for each container. */
export type Sandbox = {
  readonly id: string;
  readonly config: Message;
  readonly settings: SandboxSettings;
};
