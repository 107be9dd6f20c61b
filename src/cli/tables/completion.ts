/** Completion scripts for shells. */

import { type Command, noFlags } from "../command.ts";

const about = (now: string, ...always: readonly string[]): string =>
  `For this shell alone:

  ${now}

For every one:

${always.map((line) => `  ${line}\n`).join("")}`.trimEnd();

export const completionCommands: readonly Command[] = [
  {
    name: "completion bash",
    usage: "pivot completion bash",
    summary: "Print the completion script for bash",
    about: about(
      "source <(pivot completion bash)",
      "pivot completion bash > /etc/bash_completion.d/pivot",
      "pivot completion bash > ~/.local/share/bash-completion/completions/pivot",
    ),
    flags: noFlags,
    run: async () => (await import("../completion-script.ts")).completionCommand("bash"),
  },
  {
    name: "completion fish",
    usage: "pivot completion fish",
    summary: "Print the completion script for fish",
    about: about(
      "pivot completion fish | source",
      "pivot completion fish > ~/.config/fish/completions/pivot.fish",
    ),
    flags: noFlags,
    run: async () => (await import("../completion-script.ts")).completionCommand("fish"),
  },
  {
    name: "completion zsh",
    usage: "pivot completion zsh",
    summary: "Print the completion script for zsh",
    about: `${about("source <(pivot completion zsh)", 'pivot completion zsh > "$fpath[1]/_pivot"')}

Completion has to be on: \`autoload -U compinit && compinit\` in ~/.zshrc.`,
    flags: noFlags,
    run: async () => (await import("../completion-script.ts")).completionCommand("zsh"),
  },
];
