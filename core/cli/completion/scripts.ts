/** Scripts for shells. Nothing of it runs this program, so a key pressed costs nothing. Pure. */
import { type CommandWords, flagsAfter } from "./words.ts";

export const SHELLS = { bash, zsh, fish } as const;
export type Shell = keyof typeof SHELLS;

export function isShell(name: string): name is Shell {
  return Object.hasOwn(SHELLS, name);
}

function bash(commands: readonly CommandWords[]): string {
  return `# bash completion for sallyport; in ~/.bashrc: source <(sallyport completion bash)
_sallyport() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${names(commands)} help --help --version"
  else
    case "\${COMP_WORDS[1]}" in
      help) [ "$COMP_CWORD" -eq 2 ] && words="${names(commands)}" ;;
${commands.map(bashCase).join("\n")}
    esac
  fi
  [ -n "$words" ] && COMPREPLY=($(compgen -W "$words" -- "$cur"))
  return 0
}
complete -o default -F _sallyport sallyport`;
}

function bashCase(command: CommandWords): string {
  const { name, actions } = command;
  const inner = [...actions.keys()].map(
    (action) => `          ${action}) words="${flagsAfter(command, action).join(" ")}" ;;`,
  );
  const first = [...actions.keys(), ...flagsAfter(command, "")].join(" ");
  return `      ${name})
        if [ "$COMP_CWORD" -eq 2 ]; then words="${first}"
        else case "\${COMP_WORDS[2]}" in
${inner.join("\n")}
          *) words="${flagsAfter(command, "").join(" ")}" ;;
        esac; fi ;;`;
}

function names(commands: readonly CommandWords[]): string {
  return commands.map(({ name }) => name).join(" ");
}

function zsh(commands: readonly CommandWords[]): string {
  const described = commands.map(
    ({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", " ")}`)}`,
  );
  return `#compdef sallyport
# zsh completion for sallyport; in ~/.zshrc, after compinit: source <(sallyport completion zsh)
_sallyport() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "\${words[2]}" in
    help) (( CURRENT == 3 )) && _describe command commands ;;
${commands.map(zshCase).join("\n")}
  esac
}
compdef _sallyport sallyport`;
}

function zshCase(command: CommandWords): string {
  const { name, actions } = command;
  const inner = [...actions.keys()].map(
    (action) => `      ${action}) compadd -- ${flagsAfter(command, action).join(" ")} ;;`,
  );
  const first = [...actions.keys(), ...flagsAfter(command, "")].join(" ");
  return `    ${name})
      if (( CURRENT == 3 )); then compadd -- ${first}
      else case "\${words[3]}" in
${inner.join("\n")}
      *) compadd -- ${flagsAfter(command, "").join(" ")}; _files ;;
      esac; fi ;;`;
}

function fish(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary, actions } = command;
    const begun = `__fish_seen_subcommand_from ${name}`;
    return [
      `complete -c sallyport -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
      ...[...actions.keys()].map(
        (action) =>
          `complete -c sallyport -n '${begun}; and test (count (commandline -opc)) -eq 2' -f -a ${action}`,
      ),
      ...[...actions.keys()].flatMap((action) =>
        flagsAfter(command, action).map((flag) => {
          const both = `${begun}; and __fish_seen_subcommand_from ${action}`;
          return `complete -c sallyport -n '${both}' -l ${flag.slice(2)}`;
        }),
      ),
      ...flagsAfter(command, "").map(
        (flag) =>
          `complete -c sallyport -n '${begun}; and test (count (commandline -opc)) -eq 2' -l ${flag.slice(2)}`,
      ),
    ];
  });
  return `# fish completion for sallyport: sallyport completion fish > ~/.config/fish/completions/sallyport.fish
${lines.join("\n")}`;
}

/** For all three of them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "")}'`;
}
