/* SPDX-License-Identifier: MIT */
/*
 * The shapes, with and without what could order them. Linux's verdicts: those with a test of the
 * kernel's (tools/memory-model/litmus-tests) are the results recorded there; the others follow
 * from the rules of its model.
 */
#include "explore/litmus.h"

#define NO LITMUS_NEVER
#define YES LITMUS_SOMETIMES

/* clang-format off */
const struct litmus litmus_tests[] = {
/* name, threads
 *   outcome, tso, Linux, the kernel's test, whether a write would overtake a read */

/* One word. */
{ "CoRR", { "x=1", "a=x b=x" },
  "a=1 b=0", NO, NO, "CoRR+poonceonce+Once", false },
{ "CoRW", { "a=x x=1", "x=2" },
  "a=2 x=2", NO, NO, "CoRW+poonceonce+Once", false },
{ "CoWR", { "x=1 a=x", "x=2" },
  "a=2 x=1", NO, NO, "CoWR+poonceonce+Once", false },
{ "CoWW", { "x=1 x=2" },
  "x=1", NO, NO, "CoWW+poonceonce", false },

/* Store buffering: both miss the other's write. */
{ "SB", { "x=1 a=y", "y=1 b=x" },
  "a=0 b=0", YES, YES, "SB+poonceonces", false },
{ "SB+mbs", { "x=1 mb a=y", "y=1 mb b=x" },
  "a=0 b=0", NO, NO, "SB+fencembonceonces", false },
{ "SB+rfi", { "x=1 a=x b=y", "y=1 c=y d=x" },
  "b=0 d=0", YES, YES, "SB+rfionceonce-poonceonces", false },
{ "SB+mb+po", { "x=1 mb a=y", "y=1 b=x" },
  "a=0 b=0", YES, YES, NULL, false },
{ "SB+wmbs", { "x=1 wmb a=y", "y=1 wmb b=x" },
  "a=0 b=0", YES, YES, NULL, false },
{ "SB+rmbs", { "x=1 rmb a=y", "y=1 rmb b=x" },
  "a=0 b=0", YES, YES, NULL, false },
{ "SB+rels+acqs", { "x:=1 a:=y", "y:=1 b:=x" },
  "a=0 b=0", YES, YES, NULL, false },

/* Message passing: the flag is seen, what it announces is not. */
{ "MP", { "x=1 y=1", "a=y b=x" },
  "a=1 b=0", NO, YES, "MP+poonceonces", false },
{ "MP+wmb+rmb", { "x=1 wmb y=1", "a=y rmb b=x" },
  "a=1 b=0", NO, NO, "MP+fencewmbonceonce+fencermbonceonce", false },
{ "MP+rel+acq", { "x=1 y:=1", "a:=y b=x" },
  "a=1 b=0", NO, NO, "MP+pooncerelease+poacquireonce", false },
{ "MP+rel+addr", { "x=1 p:=&x", "a=p b=*a" },
  "a=&x b=0", NO, NO, "MP+onceassign+derefonce", false },
{ "MP+mbs", { "x=1 mb y=1", "a=y mb b=x" },
  "a=1 b=0", NO, NO, NULL, false },
{ "MP+wmb+acq", { "x=1 wmb y=1", "a:=y b=x" },
  "a=1 b=0", NO, NO, NULL, false },
{ "MP+rel+rmb", { "x=1 y:=1", "a=y rmb b=x" },
  "a=1 b=0", NO, NO, NULL, false },
{ "MP+wmb+addr", { "x=1 wmb p=&x", "a=p b=*a" },
  "a=&x b=0", NO, NO, NULL, false },
{ "MP+mb+addr", { "x=1 mb p=&x", "a=p b=*a" },
  "a=&x b=0", NO, NO, NULL, false },
{ "MP+wmb+po", { "x=1 wmb y=1", "a=y b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+mb+po", { "x=1 mb y=1", "a=y b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+rel+po", { "x=1 y:=1", "a=y b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+rel+wmb", { "x=1 y:=1", "a=y wmb b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+po+rmb", { "x=1 y=1", "a=y rmb b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+po+mb", { "x=1 y=1", "a=y mb b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+po+acq", { "x=1 y=1", "a:=y b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+po+addr", { "x=1 p=&x", "a=p b=*a" },
  "a=&x b=0", NO, YES, NULL, false },
{ "MP+rmb+rmb", { "x=1 rmb y=1", "a=y rmb b=x" },
  "a=1 b=0", NO, YES, NULL, false },
{ "MP+locks", { "x=1 +s y=1 -s", "+s a=y -s b=x" },
  "a=1 b=0", NO, NO, "MP+polocks", false },
{ "MP+revlocks", { "+s x=1 -s y=1", "a=y +s b=x -s" },
  "a=1 b=0", NO, NO, "MP+porevlocks", false },
{ "MP+relock+rmb", { "+s x=1 -s +t y=1 -t", "a=y rmb b=x" },
  "a=1 b=0", NO, NO, "MP+unlocklockonceonce+fencermbonceonce", false },

/* A write after reading is put before the write that was read about. */
{ "S", { "x=2 y=1", "a=y x=1" },
  "a=1 x=2", NO, YES, "S+poonceonces", false },
{ "S+wmb+acq", { "x=2 wmb y=1", "a:=y x=1" },
  "a=1 x=2", NO, NO, "S+fencewmbonceonce+poacquireonce", false },
{ "S+rel+acq", { "x=2 y:=1", "a:=y x=1" },
  "a=1 x=2", NO, NO, NULL, false },
{ "S+mbs", { "x=2 mb y=1", "a=y mb x=1" },
  "a=1 x=2", NO, NO, NULL, false },
{ "S+po+mb", { "x=2 y=1", "a=y mb x=1" },
  "a=1 x=2", NO, YES, NULL, false },
{ "S+po+acq", { "x=2 y=1", "a:=y x=1" },
  "a=1 x=2", NO, YES, NULL, false },
{ "S+wmb+po", { "x=2 wmb y=1", "a=y x=1" },
  "a=1 x=2", NO, YES, NULL, true },
{ "S+rel+po", { "x=2 y:=1", "a=y x=1" },
  "a=1 x=2", NO, YES, NULL, true },
{ "S+mb+po", { "x=2 mb y=1", "a=y x=1" },
  "a=1 x=2", NO, YES, NULL, true },

/* One write overwrites, and the other is missed. */
{ "R", { "x=1 y=1", "y=2 a=x" },
  "a=0 y=2", YES, YES, "R+poonceonces", false },
{ "R+mbs", { "x=1 mb y=1", "y=2 mb a=x" },
  "a=0 y=2", NO, NO, "R+fencembonceonces", false },
{ "R+mb+po", { "x=1 mb y=1", "y=2 a=x" },
  "a=0 y=2", YES, YES, NULL, false },
{ "R+po+mb", { "x=1 y=1", "y=2 mb a=x" },
  "a=0 y=2", NO, YES, NULL, false },
{ "R+wmb+mb", { "x=1 wmb y=1", "y=2 mb a=x" },
  "a=0 y=2", NO, YES, NULL, false },
{ "R+rel+mb", { "x=1 y:=1", "y=2 mb a=x" },
  "a=0 y=2", NO, YES, NULL, false },

/* Each thread's first write comes last. */
{ "2+2W", { "x=1 y=2", "y=1 x=2" },
  "x=1 y=1", NO, YES, NULL, false },
{ "2+2W+mbs", { "x=1 mb y=2", "y=1 mb x=2" },
  "x=1 y=1", NO, NO, NULL, false },
{ "2+2W+mb+wmb", { "x=1 mb y=2", "y=1 wmb x=2" },
  "x=1 y=1", NO, YES, NULL, false },
{ "2+2W+wmbs", { "x=1 wmb y=2", "y=1 wmb x=2" },
  "x=1 y=1", NO, YES, NULL, false },
{ "2+2W+rels", { "x=1 y:=2", "y=1 x:=2" },
  "x=1 y=1", NO, YES, NULL, false },

/* Load buffering: each reads what the other writes later. */
{ "LB", { "a=x y=1", "b=y x=1" },
  "a=1 b=1", NO, YES, "LB+poonceonces", true },
{ "LB+acq+rel", { "a=x y:=1", "b:=y x=1" },
  "a=1 b=1", NO, NO, "LB+poacquireonce+pooncerelease", false },
{ "LB+mbs", { "a=x mb y=1", "b=y mb x=1" },
  "a=1 b=1", NO, NO, NULL, false },
{ "LB+mb+po", { "a=x mb y=1", "b=y x=1" },
  "a=1 b=1", NO, YES, NULL, true },

/* Two readers do not agree on the order of two writes. */
{ "IRIW", { "x=1", "a=x b=y", "y=1", "c=y d=x" },
  "a=1 b=0 c=1 d=0", NO, YES, "IRIW+poonceonces+OnceOnce", false },
{ "IRIW+mbs", { "x=1", "a=x mb b=y", "y=1", "c=y mb d=x" },
  "a=1 b=0 c=1 d=0", NO, NO, "IRIW+fencembonceonces+OnceOnce", false },
{ "IRIW+rmbs", { "x=1", "a=x rmb b=y", "y=1", "c=y rmb d=x" },
  "a=1 b=0 c=1 d=0", NO, YES, NULL, false },
{ "IRIW+rels+acqs", { "x:=1", "a:=x b=y", "y:=1", "c:=y d=x" },
  "a=1 b=0 c=1 d=0", NO, YES, NULL, false },

/* Message passing by way of a third. */
{ "WRC", { "x=1", "a=x y=1", "b=y c=x" },
  "a=1 b=1 c=0", NO, YES, "WRC+poonceonces+Once", false },
{ "WRC+rel+rmb", { "x=1", "a=x y:=1", "b=y rmb c=x" },
  "a=1 b=1 c=0", NO, NO, "WRC+pooncerelease+fencermbonceonce+Once", false },
{ "WRC+mb+rmb", { "x=1", "a=x mb y=1", "b=y rmb c=x" },
  "a=1 b=1 c=0", NO, NO, NULL, false },
{ "WRC+po+rmb", { "x=1", "a=x y=1", "b=y rmb c=x" },
  "a=1 b=1 c=0", NO, YES, NULL, false },
{ "WRC+rel+po", { "x=1", "a=x y:=1", "b=y c=x" },
  "a=1 b=1 c=0", NO, YES, NULL, false },
{ "ISA2", { "x=1 y=1", "a=y z=1", "b=z c=x" },
  "a=1 b=1 c=0", NO, YES, "ISA2+poonceonces", false },
{ "ISA2+rel+acqrel+acq", { "x=1 y:=1", "a:=y z:=1", "b:=z c=x" },
  "a=1 b=1 c=0", NO, NO, "ISA2+pooncerelease+poacquirerelease+poacquireonce", false },
{ "ISA2+locks+mb", { "+s x=1 y=1 -s", "+s a=y z=1 -s", "b=z mb c=x" },
  "a=1 b=1 c=0", NO, NO, "ISA2+pooncelock+pooncelock+pombonce", false },
{ "Z6.0+rel+acqrel+mb", { "x=1 y:=1", "a:=y z:=1", "z=2 mb b=x" },
  "a=1 b=0 z=2", NO, YES, "Z6.0+pooncerelease+poacquirerelease+fencembonceonce", false },
{ "Z6.0+locks+mb", { "+s x=1 y=1 -s", "+s a=y z=1 -s", "z=2 mb b=x" },
  "a=1 b=0 z=2", NO, YES, "Z6.0+pooncelock+pooncelock+pombonce", false },
};
/* clang-format on */

const unsigned nr_litmus_tests = ARRAY_SIZE(litmus_tests);
