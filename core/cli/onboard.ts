import { GatewayError } from "../../shared/errors.ts";
import { whyReadOnly } from "../config/write/read-only.ts";
import { type Command, type Io, parseFlags, settingsOf } from "./command.ts";
import { type OnboardPlan, planOf } from "./onboard/flags.ts";
import { ONBOARD_OPTIONS } from "./onboard/options.ts";

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
  --install-daemon              there is no service to install yet: it says so

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
    const asked = values["install-daemon"] === true;
    if (!alone) return interactively(plan.value, { accepted, asked }, io);
    if (accepted !== true) {
      throw new GatewayError("invalid_request", `--non-interactive needs --accept-risk. ${RISK}`);
    }
    return byFlags(plan.value, { json, asked, skipCheck: values["skip-health"] === true }, io);
  },
};

async function byFlags(
  plan: OnboardPlan,
  { json, asked, skipCheck }: { json: boolean; asked: boolean; skipCheck: boolean },
  io: Io,
): Promise<number> {
  const [{ onboardByFlags }, { serviceAnswer }, { NEXT, tellNext, tellWritten }] =
    await Promise.all([
      import("./onboard/by-flags.ts"),
      import("./onboard/service.ts"),
      import("./onboard/next.ts"),
    ]);
  const { written, check } = await onboardByFlags(plan, io, { skipCheck });
  const { mode, authChoice, model } = plan;
  const { config, gateway, agents, telegram, edge, warnings } = await settingsOf(io);
  const daemon = serviceAnswer(asked);
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
  if (asked) io.err(`warning: ${daemon.message}`);
  tellNext(mode, io);
  return 0;
}

/** Flags that were given are done first; the questions are about the rest. */
async function interactively(
  plan: OnboardPlan,
  { accepted, asked }: { accepted: boolean | undefined; asked: boolean },
  io: Io,
): Promise<number> {
  const [{ Dialogue }, { askAll }, { serviceAnswer }] = await Promise.all([
    import("./onboard/ask.ts"),
    import("./onboard/ask-all.ts"),
    import("./onboard/service.ts"),
  ]);
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
  await askAll(dialogue.ask, plan, io);
  if (asked) io.err(`warning: ${serviceAnswer(true).message}`);
  return 0;
}
