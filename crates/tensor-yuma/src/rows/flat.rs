//! A row as one flat list `[uid, value, uid, value, ..]`.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::{Row, Rows, RowsBuf};

struct FlatRow<'a, V>(Row<'a, V>);

impl<V: Serialize + Copy> Serialize for FlatRow<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(2 * self.0.uids.len()))?;
        for (uid, value) in self.0.iter() {
            list.serialize_element(&uid)?;
            list.serialize_element(&value)?;
        }
        list.end()
    }
}

impl<V: Serialize + Copy> Serialize for Rows<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(FlatRow))
    }
}

impl<V: Serialize + Copy> Serialize for RowsBuf<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_rows().serialize(serializer)
    }
}

struct Pairs<V>(Vec<(u16, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairVisitor<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for PairVisitor<V> {
            type Value = Pairs<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat list of uid, value, uid, value, ..")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(uid) = list.next_element()? {
                    let value = list
                        .next_element()?
                        .ok_or_else(|| A::Error::custom("the last uid of a row has no value"))?;
                    pairs.push((uid, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_seq(PairVisitor(PhantomData))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for RowsBuf<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = <Vec<Pairs<V>>>::deserialize(deserializer)?;
        let mut buf = Self::new();
        for row in rows {
            buf.push_row(row.0);
        }
        Ok(buf)
    }
}
