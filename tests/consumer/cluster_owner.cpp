// The cluster room from outside: what it links is there, and a misuse is an error in words.
#include <graphbit/cluster/owner.hpp>

int main() {
  graphbit::runtime rt;
  const auto owner = graphbit::cluster::owner::open(rt, {});
  return !owner && owner.error().kind == graphbit::error_kind::configuration ? 0 : 1;
}
