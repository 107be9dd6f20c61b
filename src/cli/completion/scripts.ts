/** The completion scripts. All knowledge is in `pivot internal-complete`; nothing is evaluated. */

export type Shell = "bash" | "fish" | "zsh";

const bash = String.raw`# Completion of pivot for bash.
#
#   now:        source <(pivot completion bash)
#   for good:   pivot completion bash > /etc/bash_completion.d/pivot

_pivot_complete() {
  # Bash cuts words at = and : as well; what stands together in the line belongs together.
  local line=$COMP_LINE before word i
  local -a words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${"$"}{COMP_WORDS[i]}
    before=${"$"}{line%%"$word"*}
    line=${"$"}{line:${"$"}{#before}+${"$"}{#word}}
    if ((i > 1 && ${"$"}{#words[@]} > 1)) && [[ -z $before && ($word == [=:]* || $last == *[=:]) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    local last=$word
  done
  local current=${"$"}{words[-1]} program=${"$"}{words[0]}
  [[ $program == "~/"* ]] && program=$HOME/${"$"}{program:2}
  local -a found=()
  mapfile -t found < <("$program" internal-complete "${"$"}{words[@]:1}" 2>/dev/null)
  ((${"$"}{#found[@]})) || return
  local tell=${"$"}{found[-1]}
  unset 'found[-1]'
  # What bash cuts off before the current word, it must not get back.
  local cut=
  [[ $current == *[=:]* ]] && cut=${"$"}{current%"${"$"}{current##*[=:]}"}
  COMPREPLY=()
  for word in "${"$"}{found[@]}"; do
    word=${"$"}{word%%$'\t'*}
    printf -v word '%q' "${"$"}{word#"$cut"}"
    COMPREPLY+=("$word")
  done
  [[ $tell == *' more' ]] && compopt -o nospace
  case $tell in
    :files* | :directories*)
      local kind=-f
      [[ $tell == :directories* ]] && kind=-d
      local -a paths=()
      mapfile -t paths < <(compgen $kind -- "${"$"}{current#"$cut"}")
      if ((${"$"}{#paths[@]})); then
        compopt -o filenames
        COMPREPLY+=("${"$"}{paths[@]}")
      fi
      ;;
  esac
}

complete -F _pivot_complete pivot
`;

const zsh = String.raw`#compdef pivot
# Completion of pivot for zsh.
#
#   now:        source <(pivot completion zsh)
#   for good:   pivot completion zsh > "${"$"}{fpath[1]}/_pivot"

_pivot() {
  local program=${"$"}{words[1]/#\~/$HOME} each word about tell
  local -a found open closed
  found=("${"$"}{(@f)$("$program" internal-complete "${"$"}{(@Q)words[2,CURRENT-1]}" "${"$"}{(Q)PREFIX}" 2>/dev/null)}")
  tell=${"$"}{found[-1]}
  [[ $tell == :* ]] || return 1
  found[-1]=()
  for each in $found; do
    word=${"$"}{each%%$'\t'*} about=${"$"}{each#*$'\t'}
    each=${"$"}{word//:/\\:}
    [[ -n $about ]] && each+=":$about"
    if [[ $word == *[:=] ]]; then open+=("$each"); else closed+=("$each"); fi
  done
  local result=1
  (( $#closed )) && _describe -V 'pivot' closed && result=0
  (( $#open )) && _describe -V 'pivot' open -S '' && result=0
  case $tell in
    :files*) _files && result=0 ;;
    :directories*) _files -/ && result=0 ;;
  esac
  return result
}

if [[ ${"$"}{funcstack[1]} == _pivot ]]; then
  _pivot "$@"
else
  compdef _pivot pivot
fi
`;

const fish = String.raw`# Completion of pivot for fish.
#
#   now:        pivot completion fish | source
#   for good:   pivot completion fish > ~/.config/fish/completions/pivot.fish

function __pivot_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -e words[1]
    set -l found ($program internal-complete $words "$current" 2>/dev/null)
    set -q found[1]; or return
    set -l tell $found[-1]
    set -e found[-1]
    set -q found[1]; and printf '%s\n' $found
    switch $tell
        case ':files*'
            __fish_complete_path "$current"
        case ':directories*'
            __fish_complete_directories "$current"
    end
end

complete -c pivot -f -k -a '(__pivot_complete)'
`;

const scripts: Readonly<Record<Shell, string>> = { bash, fish, zsh };

export const completionScript = (shell: Shell): string => scripts[shell];
