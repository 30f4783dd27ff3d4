import { GatewayError } from "../../shared/errors.ts";
import { whyReadOnly } from "../config/write/read-only.ts";
import { type Command, type Io, parseFlags, settingsOf } from "./command.ts";
import { type OnboardPlan, planOf } from "./onboard/flags.ts";
import { type Given, ONBOARD_OPTIONS } from "./onboard/options.ts";

const RISK =
  "Agents act with the rights of whoever runs them, and what they are told may come from strangers.";

export const onboard: Command = {
  usage:
    "onboard [--non-interactive --accept-risk] [--provider NAME --api-key-env NAME --model REF] … [--json]",
  summary: "Set up a gateway, or this machine as a client of one: by questions, or by flags alone",
  details: `  --mode local|remote           remote: --remote-url URL [--remote-token T | --remote-password P]
  --provider NAME               anthropic, openai, openrouter, google, groq, mistral, deepseek, xai, ollama, lmstudio, vllm
  --api-key-env NAME            the variable its key is in; --api-key KEY and --anthropic-api-key KEY … show it to
                                whoever sees the list of processes
  --model PROVIDER/MODEL
  --auth-choice …               as OpenClaw has it: anthropic-api-key, openai-api-key, ollama, custom-api-key, skip …
  --custom-base-url URL --custom-model-id ID [--custom-api-key K] [--custom-provider-id ID]
  --gateway-port N --gateway-bind MODE --gateway-auth token|password
  --gateway-token T | --gateway-token-ref-env NAME | --gateway-password P
  --workspace DIR
  --channel telegram --channel-token T
  --edge-url URL [--edge-pairing CODE]
  --secret-input-mode ref       secrets go into .env of the state folder; plaintext: into the config
  --skip-health                 the key is not tried out, which costs a token or two
  --install-daemon              installs the gateway as a service, as sallyport gateway install does;
                                --no-install-daemon: it is not asked for

What nobody says anything of stays as it is. The gateway's token is never made anew.`,

  async run(args, io) {
    const { values, positionals } = parseFlags(args, ONBOARD_OPTIONS);
    const { json = false, "non-interactive": alone = false, "accept-risk": accepted } = values;
    if (positionals.length > 0) {
      throw new GatewayError("invalid_request", "onboard takes flags alone; try --help");
    }
    const plan = planOf(values);
    if (!plan.ok) throw new GatewayError("invalid_request", `${plan.error}; try --help`);
    const readOnly = whyReadOnly(io.env);
    if (readOnly !== undefined) throw new GatewayError("forbidden", readOnly);
    const asked = serviceAsked(values);
    if (!alone) {
      if (!json) return interactively(plan.value, { accepted, asked }, io);
      // What programs read is the outcome alone; whoever answers is asked on the other stream.
      const aside = { ...io, out: (line: string) => io.err(line) };
      const code = await interactively(plan.value, { accepted, asked }, aside);
      if (code !== 0) throw new GatewayError("canceled", "it was called off");
      io.out(JSON.stringify({ ok: true }));
      return code;
    }
    if (accepted !== true) {
      throw new GatewayError("invalid_request", `--non-interactive needs --accept-risk. ${RISK}`);
    }
    return byFlags(plan.value, { json, asked, skipCheck: values["skip-health"] === true }, io);
  },
};

/** Undefined: nobody said. */
function serviceAsked(values: Given): boolean | undefined {
  if (values["no-install-daemon"] === true || values["skip-daemon"] === true) return false;
  return values["install-daemon"] === true ? true : undefined;
}

async function byFlags(
  plan: OnboardPlan,
  {
    json,
    asked = false,
    skipCheck,
  }: { json: boolean; asked: boolean | undefined; skipCheck: boolean },
  io: Io,
): Promise<number> {
  const [{ onboardByFlags }, { installAsked, tellService }, { NEXT, tellNext, tellWritten }] =
    await Promise.all([
      import("./onboard/by-flags.ts"),
      import("./onboard/service.ts"),
      import("./onboard/next.ts"),
    ]);
  const { written, check } = await onboardByFlags(plan, io, { skipCheck });
  const { mode, authChoice, model } = plan;
  const { config, gateway, agents, telegram, edge, warnings } = await settingsOf(io);
  const daemon = await installAsked(asked, io);
  if (json) {
    io.out(
      JSON.stringify({
        ok: true,
        mode,
        workspace: agents[0].workspace,
        authChoice,
        model: model?.ref ?? null,
        keyCheck: check,
        gateway: {
          port: gateway.port,
          bind: config.gateway.bind,
          tokenSource: gateway.token.source,
        },
        channels: telegram === undefined ? [] : ["telegram"],
        edge: edge?.url ?? null,
        daemon,
        written,
        warnings,
        next: NEXT[mode],
      }),
    );
    return 0;
  }
  tellWritten(written, io);
  if (check.error !== undefined) io.err(`warning: the model did not answer: ${check.error}`);
  for (const warning of warnings) io.err(`warning: ${warning}`);
  tellService(daemon, io);
  tellNext(mode, io);
  return 0;
}

/** Flags that were given are done first; the questions are about the rest. */
async function interactively(
  plan: OnboardPlan,
  { accepted, asked }: { accepted: boolean | undefined; asked: boolean | undefined },
  io: Io,
): Promise<number> {
  const [{ Dialogue }, { askAll }, { installAsked, tellService, wantsService }] = await Promise.all(
    [import("./onboard/ask.ts"), import("./onboard/ask-all.ts"), import("./onboard/service.ts")],
  );
  using dialogue = new Dialogue(io);
  if (accepted !== true) {
    const message = `${RISK} Go on?`;
    const sure = await dialogue.ask({
      type: "confirm",
      title: "Mind",
      message,
      initialValue: false,
    });
    if (sure !== true) return 1;
  }
  const mode = await askAll(dialogue.ask, plan, io);
  if (mode === "remote") return 0;
  const wanted = asked ?? (await wantsService(dialogue.ask, io));
  tellService(await installAsked(wanted, io), io);
  return 0;
}
