#pragma once

#include <string>

#include <graphbit/net/wire_format.hpp>

#include "src/wire/body_writer.hpp"

namespace graphbit {

/// What the wires of all families share: the frame around the members of a request's body, how a
/// refusal is read, and that there are no embeddings unless a family says so.
class json_wire : public wire_format {
 public:
  [[nodiscard]] expected<void> encode_chat(const provider_config& config,
                                           const chat_request& request, bool stream,
                                           std::string& out) const final;
  [[nodiscard]] error decode_error(const provider_config& config,
                                   const http_response& response) const override;
  [[nodiscard]] std::string embeddings_target(const provider_config& config) const override;
  [[nodiscard]] expected<void> encode_embeddings(const provider_config& config,
                                                 const embedding_request& request,
                                                 std::string& out) const final;
  [[nodiscard]] expected<embedding_response> decode_embeddings(const provider_config& config,
                                                               std::string& body) const override;

 protected:
  /// Writes the members of a chat's body; `out` is what `body` writes to.
  [[nodiscard]] virtual expected<void> write_chat(body_writer& body, const provider_config& config,
                                                  const chat_request& request, bool stream,
                                                  std::string& out) const = 0;
  [[nodiscard]] virtual expected<void> write_embeddings(body_writer& body,
                                                        const provider_config& config,
                                                        const embedding_request& request,
                                                        std::string& out) const;
  template <class Request>
  [[nodiscard]] static const std::string& model_of(const provider_config& config,
                                                   const Request& request) noexcept {
    return request.model.empty() ? config.model : request.model;
  }
};

}  // namespace graphbit
