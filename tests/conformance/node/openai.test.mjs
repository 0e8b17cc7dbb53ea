// The official `openai` package for Node.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI, { toFile } from "openai";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { apiKey, functionTool, gathered, pixel, url } from "./gateway.mjs";

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey });
const Weather = z.object({ city: z.string(), degrees: z.number().int(), windy: z.boolean() });
const asked = (content, more = {}) => ({ model: "gpt-6-luna", messages: [{ role: "user", content }], ...more });
const uncached = { headers: { "x-asahi-cache": "off" } };

test("openai: a chat completion arrives whole", async () => {
  const answer = await client.chat.completions.create(asked("Tell me about the sea"));
  assert.equal(answer.object, "chat.completion");
  assert.ok(answer.choices[0].message.content);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.match(answer._request_id, /^req_/);
});

test("openai: streamed chunks add up to the whole answer", async () => {
  for (const model of ["gpt-6-luna", "claude-haiku-5-5"]) {
    const whole = await client.chat.completions.create(asked("Tell me of ships", { model }), uncached);
    const options = { model, stream: true, stream_options: { include_usage: true } };
    const chunks = await gathered(await client.chat.completions.create(asked("Tell me of ships", options), uncached));
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(chunks.at(-1).usage.completion_tokens, whole.usage.completion_tokens);
  }
});

test("openai: the stream helper builds the completion", async () => {
  const stream = client.chat.completions.stream(asked("Help me"));
  let text = "";
  stream.on("content", (delta) => (text += delta));
  assert.equal(await stream.finalContent(), text);
});

test("openai: a picture is taken beside text", async () => {
  const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${pixel}` } };
  const answer = await client.chat.completions.create(asked([{ type: "text", text: "What is this?" }, picture]));
  assert.ok(answer.usage.prompt_tokens > 500);
});

test("openai: a parsed answer has the shape of the caller", async () => {
  const wanted = { response_format: zodResponseFormat(Weather, "weather") };
  const answer = await client.chat.completions.parse(asked("Weather in Oslo", wanted));
  assert.deepEqual(Weather.parse(answer.choices[0].message.parsed), answer.choices[0].message.parsed);
});

test("openai: two tools are called in parallel in a stream", async () => {
  const tools = [functionTool("get_weather"), functionTool("get_time")];
  const stream = client.chat.completions.stream(asked("get_weather and get_time for Oslo", { tools }));
  const calls = (await stream.finalChatCompletion()).choices[0].message.tool_calls;
  assert.deepEqual(calls.map((call) => call.function.name), ["get_weather", "get_time"]);
  for (const call of calls) assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
});

test("openai: the tool runner goes through to the end", async () => {
  for (const stream of [false, true]) {
    const cities = [];
    const tool = zodFunction({
      name: "get_weather",
      parameters: z.object({ city: z.string() }),
      function: ({ city }) => {
        cities.push(city);
        return "21 degrees";
      },
    });
    const runner = client.chat.completions.runTools(asked("Use get_weather for Lisbon", { stream, tools: [tool] }));
    assert.ok(await runner.finalContent());
    assert.equal(cities.length, 1);
  }
});

test("openai: the models are listed", async () => {
  const names = (await gathered(client.models.list())).map((model) => model.id);
  for (const name of ["asahi", "gpt-6-luna", "claude-haiku-5-5"]) assert.ok(names.includes(name), name);
});

test("openai: errors are of the classes that callers catch", async () => {
  const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "asahi_live_nobody" });
  await assert.rejects(stranger.chat.completions.create(asked("Hello")), OpenAI.AuthenticationError);
  await assert.rejects(client.chat.completions.create(asked("Hello", { model: "gpt-0" })), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.match(error.requestID, /^req_/);
    return true;
  });
  await assert.rejects(client.chat.completions.create(asked("Hello", { messages: [] })), OpenAI.BadRequestError);
});

test("openai: the raw response shows the headers", async () => {
  const { data, response } = await client.chat.completions.create(asked("Raw")).withResponse();
  assert.ok(data.choices[0].message.content);
  assert.ok(Number(response.headers.get("x-asahi-cost")) > 0);
});

test("openai: a stream that is left early leaves the client usable", async () => {
  const stream = await client.chat.completions.create(asked("A long story", { stream: true }));
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  assert.ok((await client.chat.completions.create(asked("Another"))).choices[0].message.content);
});

test("openai: embeddings come as numbers of the length asked for", async () => {
  const input = ["the sea", "the wind"];
  const whole = await client.embeddings.create({ model: "text-embedding-3-small", input });
  assert.deepEqual(whole.data.map((one) => one.embedding.length), [1536, 1536]);
  const short = await client.embeddings.create({ model: "text-embedding-3-small", input: "the sea", dimensions: 256 });
  assert.equal(short.data[0].embedding.length, 256);
  assert.ok(short.usage.prompt_tokens > 0);
});

test("openai: a response is made, continued, read back and deleted", async () => {
  const made = await client.responses.create({ model: "gpt-5.4-mini", input: "My name is Ada." });
  assert.ok(made.output_text);
  const more = { model: "gpt-5.4-mini", input: "What is my name?", previous_response_id: made.id };
  assert.ok((await client.responses.create(more)).output_text);
  assert.equal((await client.responses.retrieve(made.id)).status, "completed");
  assert.equal((await gathered(client.responses.inputItems.list(made.id))).length, 1);
  await client.responses.delete(made.id);
  await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
});

test("openai: a streamed response adds up and is parsed", async () => {
  const wanted = { text: { format: zodTextFormat(Weather, "weather") } };
  const stream = client.responses.stream({ model: "gpt-5.4-mini", input: "Weather in Oslo", ...wanted });
  let text = "";
  stream.on("response.output_text.delta", ({ delta }) => (text += delta));
  const final = await stream.finalResponse();
  assert.deepEqual(final.output_parsed, Weather.parse(JSON.parse(text)));
});

test("openai: a file is kept, read back and deleted", async () => {
  const content = '{"custom_id": "one"}\n';
  const made = await client.files.create({ file: await toFile(Buffer.from(content), "one.jsonl"), purpose: "batch" });
  assert.equal(made.filename, "one.jsonl");
  assert.equal(await (await client.files.content(made.id)).text(), content);
  assert.ok((await client.files.delete(made.id)).deleted);
});

test("openai: a batch is begun, found in the list and cancelled", async () => {
  const body = { model: "gpt-6-luna", messages: [{ role: "user", content: "Hello" }] };
  const line = JSON.stringify({ custom_id: "one", method: "POST", url: "/v1/chat/completions", body });
  const file = await client.files.create({ file: await toFile(Buffer.from(line), "one.jsonl"), purpose: "batch" });
  const asked = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" };
  const batch = await client.batches.create(asked);
  assert.ok((await gathered(client.batches.list())).some((one) => one.id === batch.id));
  assert.match((await client.batches.cancel(batch.id)).status, /^cancel/);
});
