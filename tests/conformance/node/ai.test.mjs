// The `ai` package with its providers for OpenAI and Anthropic.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, embed, embedMany, generateText, isStepCount, Output, streamText, tool } from "ai";
import { z } from "zod";

import { apiKey, gathered, pixel, url } from "./gateway.mjs";

const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey });
const Weather = z.object({ city: z.string(), degrees: z.number().int(), windy: z.boolean() });
const models = {
  chat: openai.chat("gpt-6-luna"),
  "chat with Claude": openai.chat("claude-haiku-5-5"),
  responses: openai.responses("gpt-5.4-mini"),
  "responses with Claude": openai.responses("claude-haiku-5-5"),
  messages: anthropic("claude-haiku-5-5"),
  "messages with GPT": anthropic("gpt-6-luna"),
};

for (const [way, model] of Object.entries(models)) {
  test(`ai: text is generated over ${way}`, async () => {
    const { text, finishReason, usage, finalStep } = await generateText({ model, prompt: "Tell me about the sea" });
    assert.ok(text);
    assert.equal(finishReason, "stop");
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    assert.match(finalStep.response.headers["x-asahi-request-id"], /^req_/);
  });

  test(`ai: text is streamed over ${way}`, async () => {
    const { text: whole } = await generateText({ model, prompt: "Tell me of ships" });
    const result = streamText({ model, prompt: "Tell me of ships", headers: { "x-asahi-cache": "off" } });
    assert.equal((await gathered(result.textStream)).join(""), whole);
    assert.ok((await result.usage).outputTokens > 0);
  });

  test(`ai: tools are called until there is an answer over ${way}`, async () => {
    const cities = [];
    const get_weather = tool({
      description: "The weather of a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => {
        cities.push(city);
        return { degrees: 21 };
      },
    });
    const asking = { model, prompt: "Use get_weather for Lisbon", tools: { get_weather }, stopWhen: isStepCount(4) };
    const { text, steps } = await generateText(asking);
    assert.ok(text);
    assert.equal(steps.length, 2);
    assert.ok(await streamText(asking).text);
    assert.equal(cities.length, 2);
  });

  test(`ai: an object of the caller's shape comes over ${way}`, async () => {
    const output = Output.object({ schema: Weather });
    const made = await generateText({ model, prompt: "Weather in Oslo", output });
    assert.deepEqual(Weather.parse(made.output), made.output);
    const streamed = streamText({ model, prompt: "Weather in Oslo", output });
    assert.deepEqual(await streamed.output, made.output);
  });

  test(`ai: a picture is taken over ${way}`, async () => {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "file", mediaType: "image/png", data: pixel },
    ];
    const { usage } = await generateText({ model, messages: [{ role: "user", content }] });
    assert.ok(usage.inputTokens > 500);
  });
}

test("ai: an error says its status and whether to try again", async () => {
  const stranger = createOpenAI({ baseURL: `${url}/v1`, apiKey: "asahi_live_nobody" });
  await assert.rejects(generateText({ model: stranger.chat("gpt-6-luna"), prompt: "Hello" }), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 401);
    assert.equal(error.isRetryable, false);
    assert.equal(error.data.error.code, "invalid_api_key");
    return true;
  });
});

test("ai: thinking is shown over messages", async () => {
  const thinking = { type: "adaptive", display: "summarized" };
  const options = { model: models.messages, prompt: "Think", providerOptions: { anthropic: { thinking } } };
  const { reasoningText, text } = await generateText(options);
  assert.ok(reasoningText);
  assert.ok(text);
});

test("ai: texts are embedded", async () => {
  const model = openai.embedding("text-embedding-3-small");
  const { embedding } = await embed({ model, value: "the sea" });
  const { embeddings } = await embedMany({ model, values: ["the sea", "the wind"] });
  assert.equal(embedding.length, 1536);
  assert.deepEqual(embeddings[0], embedding);
});
