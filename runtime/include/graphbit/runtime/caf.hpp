#pragma once

// The one place that knows which CAF we build on (0.17.6) and how it is spelled.
#include <caf/all.hpp>

#if CAF_VERSION < 1700 || CAF_VERSION >= 1800
#error "graphbit is written against CAF 0.17"
#endif
