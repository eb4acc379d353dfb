use std::env::args;

// ABOVE
#[inline(never)]
fn price(lines: &[i32], at: usize) -> i32 { lines[at] }

#[inline(never)]
fn refund(lines: &[i32], at: usize) -> i32 { lines[at] + 1 }

#[inline(never)]
fn parse(text: &str) -> i32 { text.parse().unwrap() }

struct Shop;
impl Shop {
    #[inline(never)]
    fn total(&self, texts: &[String]) -> i32 { texts.iter().map(|text| text.parse::<i32>().expect("a number")).sum() }
}

fn main() {
    let given: Vec<String> = args().collect();
    let value: usize = given[2].parse().unwrap();
    let lines = vec![1; value % 5];
    println!("{}", match given[1].as_str() {
        "index" => price(&lines, value),
        "index elsewhere" => refund(&lines, value),
        "parse" => parse(&format!("x{}", value)),
        "closure" => Shop.total(&[format!("y{}", value)]),
        _ => panic!("no order {}", value),
    });
}
