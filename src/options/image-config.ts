// What an image says of the containers that are made of it.

/**
 * The `config` of an image (image-spec, config.md), as far as it concerns the running of a container.
 * `null` is what Go writes for an absent list or map.
 */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[] | null | undefined;
  readonly Cmd?: readonly string[] | null | undefined;
  /** `NAME=value` each. */
  readonly Env?: readonly string[] | null | undefined;
  /** `NAME|UID[:GROUP|GID]`; empty: root. */
  readonly User?: string | undefined;
  readonly WorkingDir?: string | undefined;
  readonly Labels?: Readonly<Record<string, string>> | null | undefined;
  /** Paths in the container: a list, or the keys of a map as in the document. */
  readonly Volumes?: readonly string[] | Readonly<Record<string, unknown>> | null | undefined;
  /** `80/tcp` each. */
  readonly ExposedPorts?: readonly string[] | undefined;
  readonly StopSignal?: string | undefined;
}
