#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the library in one table. Each is a default that a setting may change; hitting
/// one gives a ResourceExhausted or Validation error that names it.
namespace graphbit::limits {

inline constexpr std::size_t header_block_bytes_max = 64 * 1024;  ///< of a request or a response
inline constexpr std::size_t response_body_bytes_max = 64u * 1024 * 1024;  ///< decompressed
inline constexpr std::size_t sse_line_bytes_max = 1024 * 1024;             ///< of a streamed answer
inline constexpr std::size_t sse_event_bytes_max = 4u * 1024 * 1024;  ///< all lines of one event
inline constexpr std::size_t json_depth_max = 128;  ///< objects and arrays within each other
/// After references were put in.
inline constexpr std::size_t prompt_bytes_max = 16u * 1024 * 1024;
inline constexpr std::size_t runs_queued_max = 10'000;  ///< accepted per executor, not yet started
inline constexpr std::size_t stream_chunks_max = 256;   ///< buffered per stream, then backpressure
inline constexpr std::size_t stream_bytes_max = 4u * 1024 * 1024;  ///< the same in bytes
inline constexpr std::size_t connections_per_origin_max = 1024;    ///< or half the file limit
inline constexpr std::chrono::seconds connection_idle_max{60};     ///< then it is closed
/// One part of a message between nodes.
inline constexpr std::size_t frame_part_bytes_max = 256 * 1024;
/// One whole message between nodes.
inline constexpr std::size_t frame_bytes_max = 64u * 1024 * 1024;
/// Of all answers that are being received.
inline constexpr std::size_t bodies_in_process_bytes_max = 1024u * 1024 * 1024;
/// Of one runtime's cache.
inline constexpr std::size_t response_cache_bytes_max = 64u * 1024 * 1024;
/// Turns of a model with its tools, per node; a node may set its own.
inline constexpr std::uint32_t tool_iterations_max = 10;
/// Per executor, waiting for a thread.
inline constexpr std::size_t callables_queued_max = 100'000;
inline constexpr std::uint32_t sub_workflow_depth_max = 16;  ///< workflows within each other
/// What a model is told of one tool.
inline constexpr std::size_t tool_result_bytes_max = 1024 * 1024;
/// Larger ones are parsed on the workers.
inline constexpr std::size_t big_reply_bytes = 64 * 1024;

}  // namespace graphbit::limits
