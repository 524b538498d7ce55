// Images and files beside text, as each provider's reference wants them: by URL and as bytes.
#include <gtest/gtest.h>

#include "net/wire_probe.hpp"
#include "src/wire/media_type.hpp"

namespace graphbit {
namespace {

using kind = content_part::kind;
using test::asking;
using test::wire_of;
using test::wire_probe;

const content_part image_by_url{kind::image_url, "https://x/y.png", "", ""};
const content_part image_bytes{kind::image_bytes, "foo", "image/png", ""};
const content_part file_by_url{kind::file_url, "https://x/a.pdf?v=1", "", ""};
const content_part file_bytes{kind::file_bytes, "foob", "application/pdf", "a.pdf"};
const content_part nameless_file{kind::file_bytes, "%PDF-1", "", ""};

/// What the body holds for a part; empty: the provider takes no such thing and it is refused.
struct attachment {
  const char* provider;
  const char* model;
  const char* name;
  const content_part& part;
  std::string written;

  friend void PrintTo(const attachment& a, std::ostream* out) { *out << a.provider << a.name; }
};

constexpr auto openai_image = R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})";
constexpr auto openai_image_bytes =
    R"({"type":"image_url","image_url":{"url":"data:image/png;base64,Zm9v"}})";
constexpr auto openai_file =
    R"({"type":"file","file":{"file_data":"data:application/pdf;base64,Zm9vYg==","filename":"a.pdf"}})";
constexpr auto openai_nameless =
    R"({"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0x","filename":"file.pdf"}})";

std::vector<attachment> attachments() {
  std::vector<attachment> all{
      // OpenAI's form as its reference has it; a file goes by its bytes alone
      {"openai", "gpt-4o", "file_bytes", file_bytes, openai_file},
      {"openai", "gpt-4o", "nameless_file", nameless_file, openai_nameless},
      {"openai", "gpt-4o", "file_url", file_by_url, ""},
      // https://openrouter.ai/docs/features/multimodal/pdfs
      {"openrouter", "m", "file_bytes", file_bytes, openai_file},
      {"openrouter", "m", "file_url", file_by_url,
       R"({"type":"file","file":{"file_data":"https://x/a.pdf?v=1","filename":"a.pdf"}})"},
      // mistralai's DocumentURLChunk
      {"mistralai", "m", "file_bytes", file_bytes,
       R"({"type":"document_url","document_url":"data:application/pdf;base64,Zm9vYg==","document_name":"a.pdf"})"},
      {"mistralai", "m", "file_url", file_by_url,
       R"({"type":"document_url","document_url":"https://x/a.pdf?v=1","document_name":"a.pdf"})"},
      // https://docs.perplexity.ai/docs/sonar/media: base64 without the head of a data URL
      {"perplexity", "sonar", "file_bytes", file_bytes,
       R"({"type":"file_url","file_url":{"url":"Zm9vYg=="},"file_name":"a.pdf"})"},
      {"perplexity", "sonar", "file_url", file_by_url,
       R"({"type":"file_url","file_url":{"url":"https://x/a.pdf?v=1"},"file_name":"a.pdf"})"},
      // Azure: chat completions, and the responses API for OpenAI's own models
      {"azurellm", "llama", "image_url", image_by_url, openai_image},
      {"azurellm", "llama", "image_bytes", image_bytes, openai_image_bytes},
      {"azurellm", "gpt-4o", "image_url", image_by_url,
       R"({"type":"input_image","detail":"auto","image_url":"https://x/y.png"})"},
      {"azurellm", "gpt-4o", "image_bytes", image_bytes,
       R"({"type":"input_image","detail":"auto","image_url":"data:image/png;base64,Zm9v"})"},
      {"azurellm", "gpt-4o", "file_url", file_by_url,
       R"({"type":"input_file","file_url":"https://x/a.pdf?v=1"})"},
      {"azurellm", "gpt-4o", "file_bytes", file_bytes,
       R"({"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,Zm9vYg=="})"},
      {"anthropic", "m", "image_url", image_by_url,
       R"({"type":"image","source":{"type":"url","url":"https://x/y.png"}})"},
      {"anthropic", "m", "image_bytes", image_bytes,
       R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"Zm9v"}})"},
      {"anthropic", "m", "file_url", file_by_url,
       R"({"type":"document","source":{"type":"url","url":"https://x/a.pdf?v=1"}})"},
      {"anthropic", "m", "file_bytes", file_bytes,
       R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"Zm9vYg=="},"title":"a.pdf"})"},
      {"gemini", "m", "image_url", image_by_url,
       R"({"fileData":{"mimeType":"image/png","fileUri":"https://x/y.png"}})"},
      {"gemini", "m", "image_bytes", image_bytes,
       R"({"inlineData":{"mimeType":"image/png","data":"Zm9v"}})"},
      {"gemini", "m", "file_url", file_by_url,
       R"({"fileData":{"mimeType":"application/pdf","fileUri":"https://x/a.pdf?v=1"}})"},
      {"gemini", "m", "file_bytes", nameless_file,
       R"({"inlineData":{"mimeType":"application/pdf","data":"JVBERi0x"}})"},
      {"ollama", "m", "image_bytes", image_bytes, R"("images":["Zm9v"])"},
      {"ollama", "m", "image_url", image_by_url, ""},
      {"ollama", "m", "file_bytes", file_bytes, ""},
      {"ollama", "m", "file_url", file_by_url, ""},
      {"huggingface", "m", "image_bytes", image_bytes, ""},
      {"replicate", "m", "image_url", image_by_url, ""},
      {"replicate", "m", "file_bytes", file_bytes, ""},
  };
  for (const char* provider : {"openai", "openai_compatible", "openrouter", "mistralai",
                               "perplexity", "bytedance", "fireworks", "togetherai", "xai"}) {
    all.push_back({provider, "m", "image_url", image_by_url, openai_image});
    all.push_back({provider, "m", "image_bytes", image_bytes, openai_image_bytes});
  }
  return all;
}

class attachment_test : public ::testing::TestWithParam<attachment> {};

TEST_P(attachment_test, is_written_as_the_provider_wants_it) {
  const attachment& row = GetParam();
  provider_config config;
  config.provider = row.provider;
  config.model = row.model;
  const wire_probe probe{wire_of(row.provider), config};
  chat_request request = asking("");
  request.messages[0].parts = {{kind::text, "look", "", ""}, row.part};
  if (row.written.empty()) {
    const error e = probe.refused_request(request);
    EXPECT_EQ(e.kind, error_kind::validation);
    EXPECT_EQ(e.field, "messages");
    return;
  }
  const std::string body = probe.encoded(request);
  EXPECT_NE(body.find(row.written), std::string::npos) << body;
  EXPECT_NE(body.find("look"), std::string::npos) << body;
}

INSTANTIATE_TEST_SUITE_P(of_each_provider, attachment_test, ::testing::ValuesIn(attachments()),
                         [](const auto& row) {
                           return std::string(row.param.provider) + "_" +
                                  std::string(row.param.model == std::string("llama") ? "chat_"
                                                                                      : "") +
                                  row.param.name;
                         });

TEST(attachments, text_files_go_to_anthropic_as_text) {
  const wire_probe probe{wire_of("anthropic"), {}};
  chat_request request = asking("");
  request.messages[0].parts = {{kind::file_bytes, "a,b", "text/csv", "t.csv"}};
  EXPECT_NE(
      probe.encoded(request).find(
          R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"},"title":"t.csv"})"),
      std::string::npos);
}

TEST(media_type, is_told_by_what_is_given_then_by_the_bytes_then_by_the_name) {
  const auto of_bytes = [](std::string bytes, std::string name = {}, std::string given = {}) {
    return std::string(
        media_type_of({kind::file_bytes, std::move(bytes), std::move(given), std::move(name)}));
  };
  EXPECT_EQ(of_bytes("%PDF-1.7", "a.png", "image/gif"), "image/gif");
  EXPECT_EQ(of_bytes("%PDF-1.7", "a.png"), "application/pdf");
  EXPECT_EQ(of_bytes("\x89PNG\r\n\x1a\n..."), "image/png");
  EXPECT_EQ(of_bytes("\xff\xd8\xff\xe0"), "image/jpeg");
  EXPECT_EQ(of_bytes("GIF89a"), "image/gif");
  EXPECT_EQ(of_bytes("RIFF....WEBPVP8 "), "image/webp");
  EXPECT_EQ(of_bytes("RIFF"), "");
  EXPECT_EQ(of_bytes("a,b", "Table.CSV"), "text/csv");
  EXPECT_EQ(of_bytes("", ""), "");
  EXPECT_EQ(media_type_of({kind::image_url, "https://x/a.JPG?w=9#top", "", ""}), "image/jpeg");
  EXPECT_EQ(media_type_of({kind::image_url, "https://x/a", "", ""}), "");
}

}  // namespace
}  // namespace graphbit
