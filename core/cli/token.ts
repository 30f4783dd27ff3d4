import { GatewayError } from "../../shared/errors.ts";
import { type Command, parseFlags, settingsOf } from "./command.ts";

export const token: Command = {
  usage: "token [--hooks] [--json]",
  summary: "Print the gateway token, or the one for webhooks: $(sallyport token)",

  async run(args, io) {
    const { values } = parseFlags(args, {
      hooks: { type: "boolean" },
      json: { type: "boolean" },
    });
    const { gateway, hooks } = await settingsOf(io);
    const credential = values.hooks === true ? hooks?.token : gateway.token;
    if (credential === undefined) {
      throw new GatewayError("not_found", "webhooks are off: set hooks.enabled and hooks.token");
    }
    const secret = credential.secret.reveal();
    io.out(
      values.json === true ? JSON.stringify({ token: secret, source: credential.source }) : secret,
    );
    return 0;
  },
};
