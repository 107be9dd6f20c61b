/** Completion scripts for shells. */

import { type Command, noFlags } from "../command.ts";

export const completionCommands: readonly Command[] = [
  {
    name: "completion bash",
    usage: "pivot completion bash",
    summary: "Print the completion script for bash",
    about: `For this shell:    source <(pivot completion bash)
For every shell:   pivot completion bash > /etc/bash_completion.d/pivot
or, as a user:     pivot completion bash > ~/.local/share/bash-completion/completions/pivot`,
    flags: noFlags,
    run: async () => (await import("../completion-script.ts")).completionCommand("bash"),
  },
  {
    name: "completion fish",
    usage: "pivot completion fish",
    summary: "Print the completion script for fish",
    about: `For this shell:    pivot completion fish | source
For every shell:   pivot completion fish > ~/.config/fish/completions/pivot.fish`,
    flags: noFlags,
    run: async () => (await import("../completion-script.ts")).completionCommand("fish"),
  },
  {
    name: "completion zsh",
    usage: "pivot completion zsh",
    summary: "Print the completion script for zsh",
    about: `For this shell:    source <(pivot completion zsh)
For every shell:   pivot completion zsh > "\${fpath[1]}/_pivot"
Completion has to be on: autoload -U compinit && compinit in ~/.zshrc.`,
    flags: noFlags,
    run: async () => (await import("../completion-script.ts")).completionCommand("zsh"),
  },
];
