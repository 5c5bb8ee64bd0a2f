"""Drawing: shapes that anyone's figure can use, and what turns a drawing into a part of a page. Free of torch."""
