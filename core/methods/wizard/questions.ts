/** Questions with a rule for their answers: what does not fit is asked again. */
import * as z from "zod";
import type { Ask, WizardStep } from "./session.ts";

/** A person who answers wrongly this often has something else in mind. */
const MAX_TRIES = 5;
const MAX_ANSWER_UNITS = 8_192;

type Question = Omit<WizardStep, "id" | "type">;

/** Empty when nothing was typed. @param fault - Undefined: the answer is fine. */
export async function askText(
  ask: Ask,
  question: Question,
  fault: (text: string) => string | undefined = () => undefined,
): Promise<string> {
  let { message = "" } = question;
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const given = await ask({ ...question, type: "text", message });
    const text = z.string().max(MAX_ANSWER_UNITS).catch("").parse(given).trim();
    const wrong = fault(text);
    if (wrong === undefined) return text;
    message = `${wrong}. ${question.message ?? ""}`.trim();
  }
  return "";
}

/** One of the options; the first one for anything else. */
export async function askChoice<const T extends string>(
  ask: Ask,
  question: Omit<Question, "options">,
  options: readonly { readonly value: T; readonly label: string; readonly hint?: string }[],
): Promise<T | undefined> {
  const given = await ask({ ...question, type: "select", options });
  return options.find(({ value }) => value === given)?.value ?? options[0]?.value;
}

export async function askYesNo(ask: Ask, question: Question): Promise<boolean> {
  return (await ask({ ...question, type: "confirm" })) === true;
}

/** Says something; any answer will do. */
export async function tell(ask: Ask, title: string, message: string): Promise<void> {
  await ask({ type: "note", title, message });
}
