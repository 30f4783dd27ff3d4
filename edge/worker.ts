import { createApp } from "./app.ts";

export { Relay } from "./durable/relay.ts";

export default createApp();
