/** A model vendor's server that answers at once, as a process of its own. */
import { startFakeOpenAi } from "../../support/fake-openai.ts";
import { serveParent } from "../processes/parent.ts";

const model = await startFakeOpenAi();
model.replyWith("Hello from a model that does not have to think.");
serveParent({ baseUrl: model.baseUrl });
