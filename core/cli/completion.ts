import { GatewayError } from "../../shared/errors.ts";
import { isShell, SHELLS } from "./completion/scripts.ts";
import { wordsOf } from "./completion/words.ts";
import { type Command, parseFlags } from "./command.ts";

/** @param table - All commands by their names; they are loaded to be read. */
export function completionOf(table: ReadonlyMap<string, () => Promise<Command>>): Command {
  const usage = `completion ${Object.keys(SHELLS).join("|")}`;
  return {
    usage: `${usage} [--json]`,
    summary: "Print a script that completes commands and flags in a shell",
    details: `bash: source <(sallyport completion bash)
zsh:  source <(sallyport completion zsh)
fish: sallyport completion fish > ~/.config/fish/completions/sallyport.fish`,

    async run(args, io) {
      const { values, positionals } = parseFlags(args, {
        shell: { type: "string", short: "s" },
        json: { type: "boolean" },
      });
      const [shell = values.shell ?? "", ...rest] = positionals;
      if (!isShell(shell) || rest.length > 0) {
        throw new GatewayError("invalid_request", `usage: sallyport ${usage}; try --help`);
      }
      const words = await Promise.all(
        [...table].map(async ([name, load]) => wordsOf(name, await load())),
      );
      const script = SHELLS[shell](words);
      io.out(values.json === true ? JSON.stringify({ shell, script }) : script);
      return 0;
    },
  };
}
